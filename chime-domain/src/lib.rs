//! The rules of Amazon Chime SDK identity and messaging, without I/O.
#![warn(missing_docs)]

pub mod access;
pub mod arn;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod ids;
pub mod ports;
pub mod text;
pub mod time;
