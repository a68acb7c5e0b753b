//! The rules of Amazon Chime SDK identity and messaging, without I/O.
#![warn(missing_docs)]

pub mod access;
pub mod arn;
pub mod error;
pub mod ids;
pub mod ports;
pub mod text;
pub mod time;
