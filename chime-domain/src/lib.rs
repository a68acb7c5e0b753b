//! The rules of Amazon Chime SDK identity and messaging, without I/O.
#![warn(missing_docs)]

pub mod access;
pub mod time;
