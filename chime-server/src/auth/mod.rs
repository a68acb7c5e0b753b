//! Who is calling, and may they: from a request to the caller it speaks for (rule IAM-02), and on to the resources that
//! the caller's policies have to allow (rules IAM-06 to IAM-14).
//!
//! # Our choices
//!
//! - Each resource of a request is decided with its own tags (`aws:ResourceTag`), which are read when a policy of the
//!   caller may ask for them. What does not exist has none.
//! - Without a bearer, a condition on tags ties nobody to a user (wire rule D-02).

mod authenticate;
mod authorize;
mod keys;
mod resources;
pub(crate) mod root_file;
pub mod sigv4;
#[cfg(test)]
mod tests;

pub use authenticate::authenticate;
pub(crate) use authorize::{Hints, Subject, acting_as, authorize, context};
pub use chime_domain::iam::{Caller, CallerKind};
pub use keys::{Credentials, Keys, RootKey};
pub(crate) use resources::Asked;
