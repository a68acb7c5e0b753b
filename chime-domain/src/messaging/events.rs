//! What the context announces.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::flows::FlowDoing;
use super::keys;
use super::types::{Ban, Channel, Membership, Message, MessageStatus, Moderator, Sent};
use crate::arn::ChannelArn;
use crate::error::StoreError;
use crate::ids::SubChannelId;
use crate::ports::{Announce, Announced, Entity, Record, Stamp};
use crate::time::Timestamp;

/// Something that happened in a channel, except for new messages, which announce themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelEvent {
    /// `CREATE_CHANNEL`.
    ChannelCreated(Channel),
    /// `UPDATE_CHANNEL`.
    ChannelUpdated(Channel),
    /// `DELETE_CHANNEL`.
    ChannelDeleted(Channel),
    /// `CREATE_CHANNEL_MEMBERSHIP`.
    MembershipCreated(Membership),
    /// `DELETE_CHANNEL_MEMBERSHIP`.
    MembershipDeleted(Membership),
    /// `CREATE_CHANNEL_MODERATOR`.
    ModeratorCreated(Moderator),
    /// `DELETE_CHANNEL_MODERATOR`.
    ModeratorDeleted(Moderator),
    /// `CREATE_CHANNEL_BAN`.
    BanCreated(Ban),
    /// `DELETE_CHANNEL_BAN`.
    BanDeleted(Ban),
    /// `UPDATE_CHANNEL_MESSAGE`.
    MessageUpdated(Message, Place),
    /// `REDACT_CHANNEL_MESSAGE`.
    MessageRedacted(Message, Place),
    /// `DELETE_CHANNEL_MESSAGE`.
    MessageDeleted(Message, Place),
    /// `PENDING_`, `FAILED_` or `DENIED_`, `CREATE_` or `UPDATE_CHANNEL_MESSAGE`: what the sender is told of a message
    /// that goes through a channel flow.
    MessageStatus(Message, Place, FlowDoing, MessageStatus),
    /// `UPDATE_CHANNEL_MEMBERSHIP`: a member of an elastic channel was moved from this sub-channel.
    MembershipMoved(Membership, SubChannelId),
    /// `CREATE_SUB_CHANNEL`.
    SubChannelCreated(ChannelArn, SubChannelId),
    /// `DELETE_SUB_CHANNEL`.
    SubChannelDeleted(ChannelArn, SubChannelId),
}

/// Sequence number and moment of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its sequence number in the channel.
    pub seq: u64,
    /// When it was made.
    pub at: Timestamp,
}

impl From<Stamp> for Place {
    fn from(Stamp { seq, at }: Stamp) -> Self {
        Self { seq, at }
    }
}

impl Entity for ChannelEvent {
    const NAME: &'static str = "channel-event";
}

/// An announcement of this context, decoded.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A message was sent: `CREATE_CHANNEL_MESSAGE`.
    MessageCreated(Sent),
    /// Something else happened.
    Event(Arc<ChannelEvent>),
}

impl Happening {
    /// Decodes an announcement; `None` when it is another context's.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`].
    pub fn read(announced: &Announced) -> Result<Option<Self>, StoreError> {
        match (&announced.entry, announced.record.name()) {
            (Some((_, stamp)), Message::NAME) => {
                Ok(Some(Self::MessageCreated(Sent::new(announced.record.read()?, *stamp))))
            }
            (None, ChannelEvent::NAME) => Ok(Some(Self::Event(announced.record.read()?))),
            _ => Ok(None),
        }
    }

    /// The channel in which it happened.
    #[must_use]
    pub fn channel(&self) -> &ChannelArn {
        match self {
            Self::MessageCreated(sent) => &sent.message.channel,
            Self::Event(event) => event.channel(),
        }
    }
}

impl ChannelEvent {
    /// The channel in which it happened.
    #[must_use]
    pub fn channel(&self) -> &ChannelArn {
        match self {
            Self::ChannelCreated(channel) | Self::ChannelUpdated(channel) | Self::ChannelDeleted(channel) => {
                &channel.arn
            }
            Self::MembershipCreated(membership)
            | Self::MembershipDeleted(membership)
            | Self::MembershipMoved(membership, _) => &membership.channel,
            Self::SubChannelCreated(channel, _) | Self::SubChannelDeleted(channel, _) => channel,
            Self::ModeratorCreated(moderator) | Self::ModeratorDeleted(moderator) => &moderator.channel,
            Self::BanCreated(ban) | Self::BanDeleted(ban) => &ban.channel,
            Self::MessageUpdated(message, _)
            | Self::MessageRedacted(message, _)
            | Self::MessageDeleted(message, _)
            | Self::MessageStatus(message, ..) => &message.channel,
        }
    }

    /// The announcement of it. Its subject is that of the channel's messages, so that both keep one order (rule WEB-34).
    #[must_use]
    pub(crate) fn announce(self) -> Announce {
        Announce { subject: keys::messages(self.channel()), record: Record::of(self) }
    }
}
