//! Policy documents and their evaluation (rules IAM-01 to IAM-31): pure, and without allocation where it allows.
//!
//! A [`PolicyDocument`] is parsed once, which compiles its patterns. A [`PolicySet`] holds what applies to one
//! set of credentials; [`PolicySet::evaluate_all`] decides a request from borrowed facts in a [`RequestContext`].
//! [`PolicySet::explain`] gives the whole derivation, [`TrustPolicy`] says who may assume a role, and
//! [`sole_user`] derives the acting user of a call without a bearer (wire rule D-02).
//!
//! # Why our own
//!
//! `iam-rs` 0.8 is the only kept crate of this kind. It puts an empty text where a variable has no value and
//! matches the result as a wildcard pattern, so an unresolved or hostile value widens a grant (rule IAM-25 wants
//! the opposite); it builds strings for each comparison; it does not know the bare `${key}`; and it keeps one
//! verdict where `explain` needs every statement. `fakecloud-iam` is part of an emulator and brings its state.
//!
//! # Our choices
//!
//! - A variable that has no value matches nothing. So that this never widens a grant, an Allow whose
//!   `NotResource` or negated condition names such a variable does not apply; a Deny does.
//! - The value of a variable is literal text: a `*` in a tag is no wildcard.
//! - The bare `${name}` means the session tag `name` when the name has no colon (rule IAM-25).
//! - Wildcards of `Resource` run over the whole text, colons included; `Arn…` operators compare the six parts.
//! - An action needs a service prefix, `service:name`; the garbled `chime>Name` is accepted and grants nothing
//!   (rule IAM-19).
//! - Without an operator prefix, a key of several values is matched if any of them is.
//! - Values that an operator cannot read (`Bool` of `maybe`), unknown operators, empty value lists and repeated
//!   JSON names are errors of the document, not tests that fail later.
//! - Case is ignored for ASCII only.

mod acting;
mod arn_pattern;
mod condition;
mod context;
mod document;
mod error;
mod evaluate;
mod explain;
mod ip_range;
mod json;
pub mod managed;
mod parse;
mod pattern;
#[cfg(test)]
mod tests;
mod trust;
mod value;

pub use acting::sole_user;
pub use context::{RequestContext, Tag};
pub use document::{
    Effect, GROUP_INLINE_LIMIT, MANAGED_LIMIT, PolicyDocument, ROLE_INLINE_LIMIT, SESSION_LIMIT, Statement,
    TRUST_LIMIT, USER_INLINE_LIMIT, Version, policy_size,
};
pub use error::{PolicyError, PolicyProblem};
pub use evaluate::{Grant, Layer, NamedPolicy, PolicySet, Refused, StatementRef, Verdict, denied_message};
pub use explain::{Explanation, Outcome, PolicyTrace, StatementTrace};
pub use ip_range::IpRange;
pub use trust::{PrincipalMatch, TrustPolicy, TrustPrincipal, TrustVerdict};
