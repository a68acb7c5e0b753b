//! Channels, memberships, moderators, bans, messages.
//!
//! Every operation acts as one user, the *bearer*: [`Chime::messaging`](crate::Chime::messaging). The rules are those
//! of the rows CHN, MSG, RET, AUTH and ROLE.
//!
//! # Our choices
//!
//! - The creator of a channel becomes a DEFAULT member and a moderator of it (rule CHN-03). A channel is PUBLIC and
//!   RESTRICTED unless told otherwise (rule CHN-08).
//! - Nobody is a moderator of a channel and banned from it: a moderator cannot be banned (rule CHN-14), and a banned
//!   user cannot be made a moderator until the ban is deleted.
//! - HIDDEN memberships are made, listed, described and found by administrators and moderators of the channel (rule
//!   CHN-10). One's own is always seen. To others it is as if there were none: describing it answers NotFound, and a
//!   search neither finds by it nor counts it among the members that EQUALS allows.
//! - The id of a message is a digest of its token, its sender and its channel under the service's secret. So a repeated
//!   sending finds the first one without a second index, for as long as the message exists.
//! - Content and metadata of a redacted message are empty; a redacted message cannot be edited any more (Conflict).
//! - A message past the retention period is as good as gone for its sender too: NotFound. Who may delete it deletes it
//!   nevertheless, so that it does not come back with a longer period.
//! - A targeted message is shown to its sender and its target only; to all others it does not exist, except that an
//!   administrator can delete it. A target has to be a member when the message is sent; otherwise a bad request.
//! - `LastMessageTimestamp` counts what the caller sees: messages for all, and those that it sent to a target or was the
//!   target of, as long as it is a member. Neither a deletion nor retention takes it back. A channel that expires after
//!   its last message counts all of them.
//! - Deleting a channel, like deleting a user, is carried out in bounded steps after it is inaccessible; its id can be
//!   used again when that is done, until then it answers Conflict.
//! - A listing continues behind the last item of the page before, so a page may be short or empty (wire rule P-05).
//! - A moderator of an app instance whose channel is gone does not see the row any more, even before it is removed.

pub(crate) mod bots;
mod elastic;
mod events;
mod facts;
mod fanout;
mod flows;
mod inbox;
pub(crate) mod keys;
pub(crate) mod push;
mod rules;
mod service;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use elastic::run as balance;
pub use elastic::{ElasticChannelConfiguration, SubChannelSummary};
pub use events::{ChannelEvent, Happening, Place};
pub use facts::{CallerFacts, ChannelFacts, Missing, UserFacts, bad_bearer, bad_target};
pub use fanout::{Delivery, Fanout, Room, SubscriptionId};
pub(crate) use flows::FailedMessage;
pub use flows::{
    ChannelFlow, ChannelFlowCallback, ChannelFlows, CreateChannelFlow, FallbackAction, FlowDoing, Processor,
    Processors, UpdateChannelFlow,
};
pub use inbox::Inbox;
pub use push::{FilterRule, FilterRuleError};
pub(crate) use rules::leaving;
pub use service::Messaging;
pub(crate) use types::LastTargeted;
pub use types::{
    AllowNotifications, Ban, BatchError, Channel, ChannelView, CreateChannel, ListChannelMessages,
    Membership, Message, MessageAttributes, MessageStatus, MessageType, Moderator, Outcome, OwnMembership,
    Persistence, Preferences, PushNotification, PushNotificationType, ReadMarker, SearchField,
    SearchOperator, SendChannelMessage, Sent, UpdateChannel, UpdateChannelMessage,
};
