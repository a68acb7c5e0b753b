//! TLS by rustls, with ring as the only provider of cryptography.
//!
//! Without files of the operator, a local authority is made at the first start under `tls/` of the data directory;
//! clients trust `tls/ca.pem`. It signs a short-lived certificate for the names of the server, at every start and again
//! before that expires, whose key never leaves memory. Certificates follow the real time, since clients check them by
//! theirs; the test clock does not move them.
//!
//! # Our choices
//!
//! - The authority's name is derived from its key, so that those of two data directories do not look the same, and the
//!   key file alone is enough to sign.

mod authority;
mod current;
mod error;
mod files;

pub use authority::{Authority, names};
pub use current::{Current, acceptor};
pub use error::TlsError;
pub use files::Files;
