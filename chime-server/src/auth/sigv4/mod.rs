//! AWS Signature Version 4: is this request signed by whoever holds the secret of the access key it names?
//!
//! Pure: no I/O, no clock. Verification takes two steps, because the secret has to be looked up in between:
//!
//! 1. [`parse`] reads the `Authorization` header (wire fact A-02) or the query of a presigned URL into
//!    [`Parsed`], and refuses what is malformed or leaves a header that changes meaning unsigned.
//! 2. [`verify`] checks the scope's service, the time, and the signature itself.
//!
//! The rest belongs to the caller: whether the access key exists, whether its session token is the one sent
//! ([`Parsed::security_token`], A-09) and has not expired. [`SigError::UnknownKey`] and
//! [`SigError::ExpiredToken`] are here so that all answers to a bad signature come from one place.
//!
//! Several canonical forms are accepted, since clients differ in what they sign; `canonical.rs` lists them
//! and says why none of them lets a signature for one request serve for another.

mod canonical;
mod credential;
mod encoding;
mod error;
mod header;
mod hex;
mod key_cache;
mod parsed;
mod presigned;
mod request;
mod secret;
mod sign;
mod signing_key;
mod verify;

#[cfg(test)]
mod tests;

pub use credential::{Credential, Scope};
pub use error::SigError;
pub use key_cache::KeyCache;
pub use parsed::{Kind, Parsed, parse};
pub use request::SignedRequest;
pub use secret::{Secret, SessionToken};
pub use sign::Signer;
pub use signing_key::SigningKey;
pub use verify::{MAX_SKEW, verify, verify_with_key};

/// The only algorithm accepted (rule WEB-03).
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The last part of every credential scope.
const SCOPE_END: &str = "aws4_request";
