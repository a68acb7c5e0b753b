//! The shapes of channels, memberships and messages.
//!
//! Replies give moments as numbers, event payloads as texts (wire rules TS-01 and TS-07), so the shapes are generic in
//! the form of a moment.

use std::collections::BTreeMap;

use chime_domain::arn::ChannelFlowArn;
use chime_domain::ids::SubChannelId;
use chime_domain::messaging::{
    Ban, Channel, ChannelView, ElasticChannelConfiguration, Membership, Message, MessageStatus, MessageType,
    Moderator, Persistence, Sent,
};
use chime_domain::ports::Stamp;
use chime_domain::text::{Content, Metadata};
use chime_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::wire::{ExpirationWire, IdentityWire, epoch, membership_word, mode_word, privacy_word};

/// How a moment is written.
pub(crate) trait Moment: Serialize + Copy {
    /// Writes it.
    fn of(at: Timestamp) -> Self;
}

/// Epoch seconds as a number (wire rule TS-01).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Epoch(f64);

impl Moment for Epoch {
    fn of(at: Timestamp) -> Self {
        Self(epoch(at))
    }
}

/// ISO 8601 as a text (wire rule TS-07).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Iso(Timestamp);

impl Moment for Iso {
    fn of(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for Iso {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// `ChannelSummary`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChannelSummary<'a> {
    name: &'a str,
    channel_arn: &'a str,
    mode: &'static str,
    privacy: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_timestamp: Option<Epoch>,
}

impl<'a> From<&'a ChannelView> for ChannelSummary<'a> {
    fn from(view: &'a ChannelView) -> Self {
        Self {
            name: view.channel.name.as_str(),
            channel_arn: view.channel.arn.as_str(),
            mode: mode_word(view.channel.mode),
            privacy: privacy_word(view.channel.privacy),
            metadata: view.channel.metadata.as_str(),
            last_message_timestamp: view.last_message.map(Epoch::of),
        }
    }
}

/// `ElasticChannelConfiguration`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ElasticWire {
    pub(crate) maximum_sub_channels: u32,
    pub(crate) target_memberships_per_sub_channel: u32,
    pub(crate) minimum_membership_percentage: u32,
}

impl From<ElasticChannelConfiguration> for ElasticWire {
    fn from(of: ElasticChannelConfiguration) -> Self {
        Self {
            maximum_sub_channels: of.maximum_sub_channels,
            target_memberships_per_sub_channel: of.target_memberships,
            minimum_membership_percentage: of.minimum_percentage,
        }
    }
}

/// `Channel`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ChannelWire<'a, M> {
    name: &'a str,
    channel_arn: &'a str,
    mode: &'static str,
    privacy: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
    created_by: IdentityWire<'a>,
    created_timestamp: M,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message_timestamp: Option<M>,
    last_updated_timestamp: M,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_settings: Option<ExpirationWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_flow_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elastic_channel_configuration: Option<ElasticWire>,
}

impl<'a, M: Moment> ChannelWire<'a, M> {
    pub(crate) fn new(channel: &'a Channel, last_message: Option<Timestamp>) -> Self {
        Self {
            name: channel.name.as_str(),
            channel_arn: channel.arn.as_str(),
            mode: mode_word(channel.mode),
            privacy: privacy_word(channel.privacy),
            metadata: channel.metadata.as_str(),
            created_by: (&channel.created_by).into(),
            created_timestamp: M::of(channel.created),
            last_message_timestamp: last_message.map(M::of),
            last_updated_timestamp: M::of(channel.updated),
            expiration_settings: channel.expiration.map(ExpirationWire::from),
            channel_flow_arn: channel.flow.as_ref().map(ChannelFlowArn::as_str),
            elastic_channel_configuration: channel.elastic.map(ElasticWire::from),
        }
    }
}

/// `ChannelMembership` (rule CHN-11).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MembershipWire<'a, M> {
    invited_by: IdentityWire<'a>,
    r#type: &'static str,
    member: IdentityWire<'a>,
    channel_arn: &'a str,
    created_timestamp: M,
    last_updated_timestamp: M,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
}

impl<'a, M: Moment> From<&'a Membership> for MembershipWire<'a, M> {
    fn from(membership: &'a Membership) -> Self {
        Self {
            invited_by: (&membership.invited_by).into(),
            r#type: membership_word(membership.kind),
            member: (&membership.member).into(),
            channel_arn: membership.channel.as_str(),
            created_timestamp: M::of(membership.created),
            last_updated_timestamp: M::of(membership.updated),
            // The newest: who is moved comes to the last one, and only a moderator has several.
            sub_channel_id: membership.sub_channels.last().map(SubChannelId::as_str),
        }
    }
}

/// `ChannelModerator`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModeratorWire<'a, M> {
    moderator: IdentityWire<'a>,
    channel_arn: &'a str,
    created_timestamp: M,
    created_by: IdentityWire<'a>,
}

impl<'a, M: Moment> From<&'a Moderator> for ModeratorWire<'a, M> {
    fn from(moderator: &'a Moderator) -> Self {
        Self {
            moderator: (&moderator.moderator).into(),
            channel_arn: moderator.channel.as_str(),
            created_timestamp: M::of(moderator.created),
            created_by: (&moderator.created_by).into(),
        }
    }
}

/// `ChannelBan`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BanWire<'a, M> {
    member: IdentityWire<'a>,
    channel_arn: &'a str,
    created_timestamp: M,
    created_by: IdentityWire<'a>,
}

impl<'a, M: Moment> From<&'a Ban> for BanWire<'a, M> {
    fn from(ban: &'a Ban) -> Self {
        Self {
            member: (&ban.member).into(),
            channel_arn: ban.channel.as_str(),
            created_timestamp: M::of(ban.created),
            created_by: (&ban.created_by).into(),
        }
    }
}

/// `{Value}` of a message's status.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Status {
    value: MessageStatus,
}

impl From<MessageStatus> for Status {
    fn from(value: MessageStatus) -> Self {
        Self { value }
    }
}

/// `Target`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TargetWire<'a> {
    member_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Values<'a> {
    string_values: &'a [String],
}

/// `ChannelMessage`, and without the channel `ChannelMessageSummary`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MessageWire<'a, M> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_arn: Option<&'a str>,
    message_id: &'a str,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    r#type: &'static str,
    created_timestamp: M,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_edited_timestamp: Option<M>,
    last_updated_timestamp: M,
    sender: IdentityWire<'a>,
    redacted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    persistence: Option<&'static str>,
    status: Status,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<&'a str, Values<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<[TargetWire<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
}

/// The word of a message type.
pub(crate) const fn type_word(kind: MessageType) -> &'static str {
    match kind {
        MessageType::Standard => "STANDARD",
        MessageType::Control => "CONTROL",
    }
}

impl<'a, M: Moment> MessageWire<'a, M> {
    pub(crate) fn new(message: &'a Message, stamp: Stamp, status: MessageStatus) -> Self {
        let metadata = match (&message.metadata, message.redacted) {
            // Content and metadata of a redacted message are empty (rule MSG-11).
            (_, true) => Some(""),
            (metadata, false) => metadata.as_ref().map(Metadata::as_str),
        };
        Self {
            channel_arn: Some(message.channel.as_str()),
            message_id: message.id.as_str(),
            content: message.content.as_ref().map(Content::as_str).unwrap_or_default(),
            metadata,
            r#type: type_word(message.kind),
            created_timestamp: M::of(stamp.at),
            last_edited_timestamp: message.edited.map(M::of),
            last_updated_timestamp: M::of(message.updated.unwrap_or(stamp.at)),
            sender: (&message.sender).into(),
            redacted: message.redacted,
            persistence: Some(match message.persistence {
                Persistence::Persistent => "PERSISTENT",
                Persistence::NonPersistent => "NON_PERSISTENT",
            }),
            status: status.into(),
            message_attributes: message
                .attributes
                .iter()
                .map(|(name, values)| (name.as_str(), Values { string_values: values }))
                .collect(),
            content_type: message.content_type.as_deref(),
            sub_channel_id: message.sub_channel.as_ref().map(SubChannelId::as_str),
            target: message.target.as_ref().map(|target| [TargetWire { member_arn: target.as_str() }]),
        }
    }

    pub(crate) fn sent(sent: &'a Sent) -> Self {
        Self::new(&sent.message, sent.stamp, sent.status)
    }

    /// As a summary: without the channel and the persistence, which the list implies.
    pub(crate) fn summary(sent: &'a Sent) -> Self {
        Self { channel_arn: None, persistence: None, sub_channel_id: None, ..Self::sent(sent) }
    }
}
