//! TLS by rustls, with ring as the only provider of cryptography.
//!
//! Without files of the operator, a local authority is made at the first start under `tls/` of the data directory;
//! clients trust `tls/ca.pem`. It signs a short-lived certificate for the names of the server, at every start and again
//! before that expires, whose key never leaves memory. Certificates follow the real time, since clients check them by
//! theirs; the test clock does not move them.
//!
//! With the feature `acme`, an ACME authority signs for the public host by the challenge `tls-alpn-01`; the local one
//! goes on to serve the other names, and this one until the first certificate is there. That path is compiled here but
//! has met no real authority.
//!
//! # Our choices
//!
//! - The authority's name is derived from its key, so that those of two data directories do not look the same, and the
//!   key file alone is enough to sign.

#[cfg(feature = "acme")]
mod acme;
mod authority;
mod current;
mod error;
mod files;

#[cfg(feature = "acme")]
pub use acme::Acme;
pub use authority::{Authority, names};
pub use current::{Current, acceptor};
pub use error::TlsError;
pub use files::Files;
