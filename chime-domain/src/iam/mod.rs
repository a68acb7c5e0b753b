//! Users, access keys, roles and managed policies, and the temporary credentials made from them (rules IAM-01 to
//! IAM-31, wire.md section 9).
//!
//! [`Iam::identity_of`] answers what an access key stands for; everything else are the operations of IAM and STS. The
//! policy language itself is [`crate::access::policy`].
//!
//! # Our choices
//!
//! - Session tokens are sealed and not stored ([`Iam::assume_role`]); they end at their time by the clock port, when
//!   their role or user is deleted (also when it is made again), and never otherwise.
//! - Both sides must allow the assumption of a role also within one account, where AWS is content with a trust policy
//!   that names the caller itself (rule IAM-23).
//! - The documentation's own vending example passes a session tag with policies that name `sts:AssumeRole` only
//!   (rule IAM-22), so `sts:TagSession` is refused only where a policy denies it.
//!   [`crate::Settings::tag_session_required`] asks for an Allow on both sides, as AWS does.
//! - A role that does not exist is AccessDenied, so that existence is not leaked.
//! - What a session passes on is in its token; a session policy by ARN that is deleted grants nothing afterwards.
//! - Names are unique, and found, without regard to case.
//! - Trust policies keep the ARNs that they name, also when that user or role does not exist or is made again.
//! - The deletion of a service-linked role is carried out at once; its task tells how it went.
//! - No groups, permissions boundaries, login profiles, instance profiles or source identities.

mod caller;
mod error;
mod holding;
mod keys;
mod paging;
mod policies;
mod resolve;
mod roles;
mod rules;
mod service;
mod service_linked;
mod session;
mod sts;
mod types;
mod users;

pub use caller::{Caller, CallerKind, Credentials};
pub use error::{IamCode, IamError, IamRefusal};
pub use holding::Attached;
pub use paging::ListRequest;
pub use policies::{CreatePolicy, PolicyScope, PolicySummary};
pub use roles::{CreateRole, UpdateRole};
pub use service::Iam;
pub use service_linked::Deletion;
pub use sts::{AssumeRole, SessionOptions, Vended, WebIdentity};
pub use types::{AccessKey, CustomerPolicy, Held, Holder, PolicyVersion, Role, User};
pub use users::CreateUser;
