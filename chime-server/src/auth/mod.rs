//! Who is calling, and may they: from a request to the caller it speaks for (rule IAM-02), and on to the resources that
//! the caller's policies have to allow (rules IAM-06 to IAM-14).

mod authenticate;
mod authorize;
mod keys;
pub(crate) mod root_file;
pub mod sigv4;
#[cfg(test)]
mod tests;

pub use authenticate::authenticate;
pub(crate) use authorize::{Hints, Subject, acting_as, authorize, context, resource_tags};
pub use chime_domain::iam::{Caller, CallerKind};
pub use keys::{Credentials, Keys, RootKey};
