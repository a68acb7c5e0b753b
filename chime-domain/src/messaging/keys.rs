//! Where the context keeps its records.

use super::types::Message;
use crate::access::Privacy;
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn, ChannelFlowArn};
use crate::ids::{MessageId, SubChannelId};
use crate::ports::Key;

pub(crate) fn channels(arn: &AppInstanceArn) -> Key {
    Key::new("channel", &[arn.app_instance_id()])
}

pub(crate) fn channel(arn: &ChannelArn) -> Key {
    Key::new("channel", &[arn.app_instance_id(), arn.channel_id()])
}

pub(crate) fn deleted_channel(arn: &ChannelArn) -> Key {
    Key::new("deleted-channel", &[arn.app_instance_id(), arn.channel_id()])
}

const fn privacy_name(privacy: Privacy) -> &'static str {
    match privacy {
        Privacy::Public => "public",
        Privacy::Private => "private",
    }
}

/// Index: the channels of one privacy.
pub(crate) fn listed_channels(arn: &AppInstanceArn, privacy: Privacy) -> Key {
    Key::new("channel-by-privacy", &[arn.app_instance_id(), privacy_name(privacy)])
}

pub(crate) fn listed_channel(arn: &ChannelArn, privacy: Privacy) -> Key {
    Key::new("channel-by-privacy", &[arn.app_instance_id(), privacy_name(privacy), arn.channel_id()])
}

/// A relation between a channel and its users, kept under the channel and indexed under the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Member,
    Moderator,
    Ban,
}

impl Relation {
    pub(crate) const ALL: [Self; 3] = [Self::Member, Self::Moderator, Self::Ban];

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Member => ("member", "member-of"),
            Self::Moderator => ("moderator", "moderator-of"),
            Self::Ban => ("ban", "banned-from"),
        }
    }

    /// All of a channel.
    pub(crate) fn of_channel(self, channel: &ChannelArn) -> Key {
        Key::new(self.names().0, &[channel.app_instance_id(), channel.channel_id()])
    }

    pub(crate) fn key(self, channel: &ChannelArn, user: &AppInstanceUserArn) -> Key {
        Key::new(self.names().0, &[channel.app_instance_id(), channel.channel_id(), user.user_id()])
    }

    /// All of a user, by the index.
    pub(crate) fn of_user(self, user: &AppInstanceUserArn) -> Key {
        Key::new(self.names().1, &[user.app_instance_id(), user.user_id()])
    }

    pub(crate) fn index(self, channel: &ChannelArn, user: &AppInstanceUserArn) -> Key {
        Key::new(self.names().1, &[user.app_instance_id(), user.user_id(), channel.channel_id()])
    }
}

pub(crate) fn read_markers(channel: &ChannelArn) -> Key {
    Key::new("read-marker", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn read_marker(channel: &ChannelArn, user: &AppInstanceUserArn) -> Key {
    Key::new("read-marker", &[channel.app_instance_id(), channel.channel_id(), user.user_id()])
}

pub(crate) fn all_preferences(channel: &ChannelArn) -> Key {
    Key::new("preferences", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn preferences(channel: &ChannelArn, user: &AppInstanceUserArn) -> Key {
    Key::new("preferences", &[channel.app_instance_id(), channel.channel_id(), user.user_id()])
}

pub(crate) fn all_last_targeted(channel: &ChannelArn) -> Key {
    Key::new("last-targeted", &[channel.app_instance_id(), channel.channel_id()])
}

/// When the last targeted message was sent by or to a user.
pub(crate) fn last_targeted(channel: &ChannelArn, user: &AppInstanceUserArn) -> Key {
    Key::new("last-targeted", &[channel.app_instance_id(), channel.channel_id(), user.user_id()])
}

/// The log of a channel's messages.
pub(crate) fn messages(channel: &ChannelArn) -> Key {
    Key::new("messages", &[channel.app_instance_id(), channel.channel_id()])
}

/// The log of the messages of a channel, or of one of its sub-channels.
pub(crate) fn messages_in(channel: &ChannelArn, sub_channel: Option<&SubChannelId>) -> Key {
    match sub_channel {
        Some(id) => Key::new("messages", &[channel.app_instance_id(), channel.channel_id(), id.as_str()]),
        None => messages(channel),
    }
}

/// The log that a message is in.
pub(crate) fn messages_of(message: &Message) -> Key {
    messages_in(&message.channel, message.sub_channel.as_ref())
}

/// Where the next member of an elastic channel goes.
pub(crate) fn elastic(channel: &ChannelArn) -> Key {
    Key::new("elastic", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn sub_channels(channel: &ChannelArn) -> Key {
    Key::new("sub-channel", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn sub_channel(channel: &ChannelArn, id: &SubChannelId) -> Key {
    Key::new("sub-channel", &[channel.app_instance_id(), channel.channel_id(), id.as_str()])
}

/// Index: the members of a sub-channel.
pub(crate) fn sub_channel_members(channel: &ChannelArn, id: &SubChannelId) -> Key {
    Key::new("sub-channel-member", &[channel.app_instance_id(), channel.channel_id(), id.as_str()])
}

pub(crate) fn sub_channel_member(channel: &ChannelArn, id: &SubChannelId, user: &AppInstanceUserArn) -> Key {
    let parts = [channel.app_instance_id(), channel.channel_id(), id.as_str(), user.user_id()];
    Key::new("sub-channel-member", &parts)
}

/// How many members a sub-channel has. Its limit is not a quota's: whoever meets it goes elsewhere.
pub(crate) fn sub_channel_count(channel: &ChannelArn, id: &SubChannelId) -> Key {
    Key::new(SEATS, &[channel.app_instance_id(), channel.channel_id(), id.as_str()])
}

/// How many sub-channels an elastic channel has.
pub(crate) fn sub_channels_count(channel: &ChannelArn) -> Key {
    Key::new("count", &["sub_channels", channel.app_instance_id(), channel.channel_id()])
}

const SEATS: &str = "seats";

/// Messages of a channel whose members' devices are being told of them.
pub(crate) fn push_works(channel: &ChannelArn) -> Key {
    Key::new("push-work", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn push_work(channel: &ChannelArn, id: &MessageId) -> Key {
    Key::new("push-work", &[channel.app_instance_id(), channel.channel_id(), id.as_str()])
}

/// Messages of a channel that bots are being told.
pub(crate) fn bot_works(channel: &ChannelArn) -> Key {
    Key::new("bot-work", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn bot_work(channel: &ChannelArn, id: &MessageId, bot: &AppInstanceUserArn) -> Key {
    let (app_instance, channel) = (channel.app_instance_id(), channel.channel_id());
    Key::new("bot-work", &[app_instance, channel, id.as_str(), bot.user_id()])
}

pub(crate) fn flows(arn: &AppInstanceArn) -> Key {
    Key::new("channel-flow", &[arn.app_instance_id()])
}

pub(crate) fn flow(arn: &ChannelFlowArn) -> Key {
    Key::new("channel-flow", &[arn.app_instance_id(), arn.flow_id()])
}

/// Index: the channels of a flow.
pub(crate) fn flow_channels(arn: &ChannelFlowArn) -> Key {
    Key::new("channel-of-flow", &[arn.app_instance_id(), arn.flow_id()])
}

pub(crate) fn flow_channel(arn: &ChannelFlowArn, channel: &ChannelArn) -> Key {
    Key::new("channel-of-flow", &[arn.app_instance_id(), arn.flow_id(), channel.channel_id()])
}

/// The log of what a channel's flow still has to process.
pub(crate) fn flow_queue(channel: &ChannelArn) -> Key {
    Key::new("flow-queue", &[channel.app_instance_id(), channel.channel_id()])
}

/// Messages of a channel that its flow failed to process.
pub(crate) fn failed_messages(channel: &ChannelArn) -> Key {
    Key::new("failed-message", &[channel.app_instance_id(), channel.channel_id()])
}

pub(crate) fn failed_message(channel: &ChannelArn, id: &MessageId) -> Key {
    Key::new("failed-message", &[channel.app_instance_id(), channel.channel_id(), id.as_str()])
}
