//! The reference server, as a library.

pub mod auth;
