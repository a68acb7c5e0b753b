//! Entities and commands.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::elastic::ElasticChannelConfiguration;
use crate::access::{MembershipType, Mode, Privacy};
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn, ChannelFlowArn};
use crate::identity::{Expiration, IdentityRef, Tag};
use crate::ids::{ChannelId, ClientRequestToken, MessageId, SubChannelId};
use crate::ports::{Entity, Stamp};
use crate::text::{Content, Metadata, Private, ResourceName};
use crate::time::Timestamp;

/// A channel (rule CHN-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its ARN.
    pub arn: ChannelArn,
    /// Its name.
    pub name: ResourceName,
    /// Who may add others.
    pub mode: Mode,
    /// Who may find it; never changes (rule CHN-09).
    pub privacy: Privacy,
    /// Its metadata.
    pub metadata: Metadata,
    /// Who made it.
    pub created_by: IdentityRef,
    /// When it was made.
    pub created: Timestamp,
    /// When its details were last changed.
    pub updated: Timestamp,
    /// When it is deleted by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<Expiration>,
    /// The flow that its STANDARD messages go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<ChannelFlowArn>,
    /// How its members are divided among sub-channels; never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticChannelConfiguration>,
}

impl Entity for Channel {
    const NAME: &'static str = "channel";
}

/// A membership of a channel (rule CHN-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The channel.
    pub channel: ChannelArn,
    /// The member.
    pub member: IdentityRef,
    /// Its kind.
    pub kind: MembershipType,
    /// Who added it.
    pub invited_by: IdentityRef,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// The sub-channels of an elastic channel that it is for: one, or for a moderator several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_channels: Vec<SubChannelId>,
    /// It does not fill its sub-channels: a moderator's, who is one for as long as the membership lasts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
}

impl Entity for Membership {
    const NAME: &'static str = "membership";
}

/// A moderator of a channel (rule APP-08).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moderator {
    /// The channel.
    pub channel: ChannelArn,
    /// The moderator.
    pub moderator: IdentityRef,
    /// Who made it one.
    pub created_by: IdentityRef,
    /// When.
    pub created: Timestamp,
}

impl Entity for Moderator {
    const NAME: &'static str = "moderator";
}

/// A ban from a channel (rule CHN-13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// The channel.
    pub channel: ChannelArn,
    /// Who is banned.
    pub member: IdentityRef,
    /// Who banned it.
    pub created_by: IdentityRef,
    /// When.
    pub created: Timestamp,
}

impl Entity for Ban {
    const NAME: &'static str = "ban";
}

/// Up to when a member has read a channel (rule CHN-19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMarker(pub Timestamp);

impl Entity for ReadMarker {
    const NAME: &'static str = "read-marker";
}

/// When the last persistent targeted message was sent by or to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastTargeted(pub(crate) Timestamp);

impl Entity for LastTargeted {
    const NAME: &'static str = "last-targeted";
}

/// Which messages are pushed to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AllowNotifications {
    /// All of them.
    All,
    /// None.
    None,
    /// Those that fit the filter rule.
    Filtered,
}

/// A member's preferences for one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// Which messages are pushed.
    pub allow_notifications: AllowNotifications,
    /// The filter rule.
    pub filter_rule: Option<Private<String>>,
}

impl Entity for Preferences {
    const NAME: &'static str = "preferences";
}

/// An index record: says that something is listed here, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link;

impl Entity for Link {
    const NAME: &'static str = "link";
}

/// Type of a message (rule MSG-01). SYSTEM messages are events and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageType {
    /// Up to 4 KB of content.
    Standard,
    /// Up to 30 bytes, without metadata.
    Control,
}

/// Whether a message is kept (rule MSG-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Persistence {
    /// It is.
    Persistent,
    /// It reaches connected members only (rule MSG-07).
    NonPersistent,
}

/// Attributes of a message, which filter rules speak of.
pub type MessageAttributes = BTreeMap<String, Vec<String>>;

/// How a device presents a push notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PushNotificationType {
    /// As a notification.
    Default,
    /// As an incoming call.
    Voip,
}

/// What is pushed to the devices of a channel's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushNotification {
    /// Its title, 1 to 50 characters.
    pub title: Option<Private<String>>,
    /// Its text, 1 to 150 characters.
    pub body: Option<Private<String>>,
    /// How it is presented.
    pub kind: PushNotificationType,
}

/// How far a message has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MessageStatus {
    /// It was sent.
    Sent,
    /// The channel's flow is at it.
    Pending,
    /// A processor of the flow could not be reached; it was not sent.
    Failed,
    /// A processor of the flow denied it.
    Denied,
}

/// What became of a message that was to be sent or edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its id.
    pub id: MessageId,
    /// SENT, or PENDING in a channel with a flow.
    pub status: MessageStatus,
}

/// A message, as it is kept. When it was made is the moment of its log entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The channel.
    pub channel: ChannelArn,
    /// The sub-channel of an elastic channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_channel: Option<SubChannelId>,
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub sender: IdentityRef,
    /// Its type.
    pub kind: MessageType,
    /// Whether it is kept.
    pub persistence: Persistence,
    /// Its content; `None` once redacted.
    pub content: Option<Content>,
    /// Its metadata; `None` once redacted.
    pub metadata: Option<Metadata>,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Timestamp>,
    /// When it was last changed in any way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Content and metadata were taken away (rule MSG-11).
    pub redacted: bool,
    /// Media type of the content, as the sender gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Arc<str>>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: MessageAttributes,
    /// The only member beside the sender who sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<AppInstanceUserArn>,
    /// What is pushed to the members' devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushNotification>,
    /// Digest of the request that sent it, for repeats with its token.
    pub fingerprint: Arc<str>,
}

impl Entity for Message {
    const NAME: &'static str = "message";
}

impl Message {
    /// Whether a user may see it: a targeted message is for its sender and its target alone.
    #[must_use]
    pub fn is_for(&self, user: &AppInstanceUserArn) -> bool {
        self.target.as_ref().is_none_or(|target| target == user || self.sender.arn == *user)
    }
}

/// A message with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message.
    pub message: Arc<Message>,
    /// Its place in the channel, and when it was made.
    pub stamp: Stamp,
    /// How far it has got; only its sender ever sees another status than SENT.
    pub status: MessageStatus,
}

impl Sent {
    /// A message that was sent.
    #[must_use]
    pub fn new(message: Arc<Message>, stamp: Stamp) -> Self {
        Self { message, stamp, status: MessageStatus::Sent }
    }
}

/// A channel with when the last persistent message was sent that its reader sees (rule CHN-20).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// The channel.
    pub channel: Arc<Channel>,
    /// When the last persistent message was sent that the reader sees.
    pub last_message: Option<Timestamp>,
}

/// A channel from the side of one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMembership {
    /// The channel.
    pub channel: ChannelView,
    /// Kind of the membership.
    pub kind: MembershipType,
    /// Up to when the member has read.
    pub read_marker: Option<Timestamp>,
    /// The sub-channel, in an elastic channel.
    pub sub_channel: Option<SubChannelId>,
}

/// `CreateChannel`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CreateChannel {
    /// In which app instance.
    pub app_instance: AppInstanceArn,
    /// Its id; made by the service when absent.
    pub id: Option<ChannelId>,
    /// Its name.
    pub name: ResourceName,
    /// Who may add others. Default RESTRICTED (rule CHN-08).
    pub mode: Mode,
    /// Who may find it. Default PUBLIC (rule CHN-08).
    pub privacy: Privacy,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Members beside the creator, at most 10.
    pub members: Vec<AppInstanceUserArn>,
    /// Moderators beside the creator, at most 10.
    pub moderators: Vec<AppInstanceUserArn>,
    /// When it is deleted by itself.
    pub expiration: Option<Expiration>,
    /// How its members are divided among sub-channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticChannelConfiguration>,
    /// Makes the creation repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

impl CreateChannel {
    /// A channel of that name: PUBLIC, RESTRICTED.
    #[must_use]
    pub fn new(app_instance: AppInstanceArn, name: ResourceName) -> Self {
        Self {
            app_instance,
            id: None,
            name,
            mode: Mode::Restricted,
            privacy: Privacy::Public,
            metadata: Metadata::empty(),
            tags: Vec::new(),
            members: Vec::new(),
            moderators: Vec::new(),
            expiration: None,
            elastic: None,
            client_request_token: None,
        }
    }

    /// With members beside the creator.
    #[must_use]
    pub fn with_members(mut self, members: impl IntoIterator<Item = AppInstanceUserArn>) -> Self {
        self.members.extend(members);
        self
    }
}

/// `UpdateChannel`; what is absent stays (wire rule D-04).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpdateChannel {
    /// Which.
    pub channel: ChannelArn,
    /// A new name.
    pub name: Option<ResourceName>,
    /// A new mode.
    pub mode: Option<Mode>,
    /// New metadata.
    pub metadata: Option<Metadata>,
}

impl UpdateChannel {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn new(channel: ChannelArn) -> Self {
        Self { channel, name: None, mode: None, metadata: None }
    }
}

/// `SendChannelMessage`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SendChannelMessage {
    /// To which channel.
    pub channel: ChannelArn,
    /// The content.
    pub content: Content,
    /// Its type.
    pub kind: MessageType,
    /// Whether it is kept.
    pub persistence: Persistence,
    /// Metadata, for STANDARD messages.
    pub metadata: Option<Metadata>,
    /// Media type of the content.
    pub content_type: Option<Arc<str>>,
    /// Attributes.
    pub attributes: MessageAttributes,
    /// The only member beside the sender who is to see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<AppInstanceUserArn>,
    /// What is pushed to the members' devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<PushNotification>,
    /// Makes the sending repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

impl SendChannelMessage {
    /// A persistent STANDARD message.
    #[must_use]
    pub fn new(channel: ChannelArn, content: Content) -> Self {
        Self {
            channel,
            content,
            kind: MessageType::Standard,
            persistence: Persistence::Persistent,
            metadata: None,
            content_type: None,
            attributes: MessageAttributes::new(),
            target: None,
            push: None,
            client_request_token: None,
        }
    }
}

/// `UpdateChannelMessage`; what is absent stays (wire rule D-05).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpdateChannelMessage {
    /// In which channel.
    pub channel: ChannelArn,
    /// Which message.
    pub id: MessageId,
    /// New content.
    pub content: Option<Content>,
    /// New metadata.
    pub metadata: Option<Metadata>,
    /// New media type of the content; an empty one takes it away.
    pub content_type: Option<Arc<str>>,
}

impl UpdateChannelMessage {
    /// An edit that changes nothing yet.
    #[must_use]
    pub fn new(channel: ChannelArn, id: MessageId) -> Self {
        Self { channel, id, content: None, metadata: None, content_type: None }
    }
}

/// `ListChannelMessages` (rule MSG-14).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListChannelMessages {
    /// Of which channel.
    pub channel: ChannelArn,
    /// Direction; newest first when absent.
    pub order: crate::ports::Order,
    /// Only messages made at or after this moment.
    pub not_before: Option<Timestamp>,
    /// Only messages made at or before this moment.
    pub not_after: Option<Timestamp>,
    /// Which page.
    pub page: crate::page::PageRequest,
}

impl ListChannelMessages {
    /// The newest messages of a channel.
    #[must_use]
    pub fn new(channel: ChannelArn) -> Self {
        Self {
            channel,
            order: crate::ports::Order::Descending,
            not_before: None,
            not_after: None,
            page: crate::page::PageRequest::default(),
        }
    }
}

/// One member of a batch that could not be added (wire rule E-10).
#[derive(Clone, Debug)]
pub struct BatchError {
    /// Who.
    pub member: AppInstanceUserArn,
    /// Why.
    pub refusal: crate::error::Refusal,
}

/// How [`SearchField`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOperator {
    /// The channel has these members and no others.
    Equals,
    /// The channel has these members.
    Includes,
}

/// A condition of `SearchChannels`; the only key there is, is MEMBERS.
#[derive(Clone, Debug)]
pub struct SearchField {
    /// How it compares.
    pub operator: SearchOperator,
    /// The members.
    pub members: Vec<AppInstanceUserArn>,
}
