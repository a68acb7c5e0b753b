//! Authorization shared by all contexts: what a policy lets an identity do, and what a role lets a user do.
//!
//! The documentation has two layers (rules IAM-03, ROLE-13). The *policy* of whoever signed the request must allow the
//! action on its resources; then the *role* of the user it acts as must allow it in the channel. The four role tables
//! are one const table, row for row; where they are silent or contradict other documents, [`READINGS`] says what is
//! enforced instead and by which rule.
//!
//! # Our choices
//!
//! - A banned user counts as a non-member, and public reads are refused too (rule ROLE-11). Somebody who is made an
//!   administrator while banned has the rights of that role.
//! - A HIDDEN member cannot send, whatever other role it has (rule ROLE-12).
//! - Members remove DEFAULT memberships, others' included (rule ROLE-03), unless `members_remove_others` is off;
//!   `members_redact_own` is off (rule MSG-12).

mod action;
mod decide;
pub mod policy;
mod role;
#[cfg(test)]
mod tests;

pub use action::Action;
pub use decide::{Derivation, MembershipType, Mode, Privacy, Situation, Standing, Target, decide};
pub use role::{Condition, READINGS, ROLE_TABLE, Role, Row, Verdict, documented, enforced};
