//! App instances, their users and administrators, tags, retention and streaming settings.
//!
//! Operations: `Create-`, `Describe-`, `Update-`, `Delete-` and `ListAppInstance(s)`, the same for
//! `AppInstanceUser`s, `AppInstanceAdmin`s without an update, `Put-` and `GetAppInstanceRetentionSettings`,
//! `PutAppInstanceUserExpirationSettings`, `TagResource`, `UntagResource`, `ListTagsForResource`, and the streaming
//! configurations of an app instance (rules APP-01 to APP-21, RET-01 to RET-10, STR-03 to STR-15).
//!
//! # Our choices
//!
//! - A missing app instance or user is Forbidden, so that existence is not leaked (wire rule E-06). The legacy
//!   namespace's NotFound is the server's to say.
//! - Deleting what is gone already succeeds (wire rule T-09).
//! - Deleting an app instance or a user makes it inaccessible at once and removes what hung on it in bounded steps
//!   afterwards. The id of a deleted user can be used again when that is done, until then it answers Conflict.
//! - The name inside an `Identity` is the one at the time of the act.

mod bots;
mod endpoints;
mod events;
pub(crate) mod keys;
mod retention;
mod rules;
mod service;
mod streaming;
mod tags;
#[cfg(test)]
mod tests;
mod types;

pub use bots::{
    AppInstanceBot, CreateAppInstanceBot, InvokedBy, LexConfiguration, StandardMessages, TargetedMessages,
    UpdateAppInstanceBot,
};
pub use endpoints::{EndpointFault, EndpointType, RegisterEndpoint, UserEndpoint};
pub use events::{AppInstanceDeleted, StreamingChanged, UserDeleted};
pub use rules::retention as retention_rules;
pub use service::Identity;
pub(crate) use types::Tombstone;
pub use types::{
    AppInstance, AppInstanceAdmin, AppInstanceUser, CreateAppInstance, CreateAppInstanceUser, Expiration,
    ExpirationCriterion, IdentityRef, Resource, Retention, StreamingConfiguration, StreamingConfigurations,
    StreamingDataType, Tag, Tags, UpdateAppInstance, UpdateAppInstanceUser,
};
