//! A channel with one person of every kind, and every operation of the tables as the caller's attempt.

use chime_domain::access::MembershipType::{Default, Hidden};
use chime_domain::access::{Mode, Privacy};
use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::error::ServiceError;
use chime_domain::ids::MessageId;
use chime_domain::messaging::{ListChannelMessages, UpdateChannel};
use chime_domain::page::PageRequest;
use chime_domain::text::ResourceName;
use chime_tests::World;

/// The tables' roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Admin,
    Moderator,
    Member,
    NonMember,
}

/// What a row's restriction turns on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Nothing: the target is another, DEFAULT member, and the message another's.
    Plain,
    /// The caller itself is the target, and the message its own.
    Own,
    /// The caller is a DEFAULT member beside its role.
    AsMember,
    /// The caller is a HIDDEN member beside its role.
    AsHidden,
    /// The target is a HIDDEN member.
    HiddenTarget,
    /// The target is an administrator.
    AdminTarget,
    /// The target is a moderator of the channel.
    ModeratorTarget,
    /// The target is no member.
    Outsider,
    /// The target is banned.
    Banned,
    /// The private channels are asked for.
    PrivateOnes,
}

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) channel: ChannelArn,
    pub(super) owner: AppInstanceUserArn,
    pub(super) caller: AppInstanceUserArn,
    other: AppInstanceUserArn,
    hidden: AppInstanceUserArn,
    admin: AppInstanceUserArn,
    moderator: AppInstanceUserArn,
    outsider: AppInstanceUserArn,
    banned: AppInstanceUserArn,
    own_message: MessageId,
    other_message: MessageId,
}

impl Stage {
    /// The caller has the role, and nothing else but what the case says.
    pub(super) async fn new(role: Role, case: Case, privacy: Privacy, mode: Mode) -> Self {
        let world = World::new().await;
        let owner = world.user("owner").await;
        let channel = world.channel(&owner, privacy, mode).await;
        let owners = world.as_user(&owner);
        let (caller, other) = (world.user("caller").await, world.user("other").await);
        let (hidden, moderator) = (world.user("hidden").await, world.user("moderator").await);
        let (outsider, banned) = (world.user("outsider").await, world.user("banned").await);
        let admin = world.admin("admin").await;
        owners.create_channel_membership(&channel, &hidden, Hidden).await.unwrap();
        owners.create_channel_moderator(&channel, &moderator).await.unwrap();
        owners.create_channel_ban(&channel, &banned).await.unwrap();
        world.join(&owner, &channel, &caller).await;
        world.join(&owner, &channel, &other).await;
        let own_message = world.send(&caller, &channel, "own").await.unwrap();
        let other_message = world.send(&other, &channel, "another's").await.unwrap();
        let member = role == Role::Member || case == Case::AsMember;
        if !member || case == Case::AsHidden {
            owners.delete_channel_membership(&channel, &caller).await.unwrap();
        }
        if case == Case::AsHidden {
            owners.create_channel_membership(&channel, &caller, Hidden).await.unwrap();
        }
        match role {
            Role::Admin => {
                world.chime.identity().create_app_instance_admin(&world.app, &caller).await.map(drop)
            }
            Role::Moderator => owners.create_channel_moderator(&channel, &caller).await.map(drop),
            Role::Member | Role::NonMember => Ok(()),
        }
        .unwrap();
        Self {
            world,
            channel,
            owner,
            caller,
            other,
            hidden,
            admin,
            moderator,
            outsider,
            banned,
            own_message,
            other_message,
        }
    }

    fn target(&self, case: Case) -> &AppInstanceUserArn {
        match case {
            Case::Own => &self.caller,
            Case::HiddenTarget => &self.hidden,
            Case::AdminTarget => &self.admin,
            Case::ModeratorTarget => &self.moderator,
            Case::Outsider => &self.outsider,
            Case::Banned => &self.banned,
            Case::Plain | Case::AsMember | Case::AsHidden | Case::PrivateOnes => &self.other,
        }
    }

    /// The operation of that name in the tables, by the caller.
    pub(super) async fn attempt(&self, operation: &str, case: Case) -> Result<(), ServiceError> {
        let (channel, page) = (&self.channel, &PageRequest::default());
        let me = self.world.as_user(&self.caller);
        let target = self.target(case);
        let message = if case == Case::Own { &self.own_message } else { &self.other_message };
        match operation {
            "UpdateChannel" => {
                let mut command = UpdateChannel::new(channel.clone());
                command.name = Some(ResourceName::new("renamed").unwrap());
                me.update_channel(command).await.map(drop)
            }
            "DeleteChannel" => me.delete_channel(channel).await,
            "DescribeChannel" => me.describe_channel(channel).await.map(drop),
            "ListChannels" => {
                let privacy = (case == Case::PrivateOnes).then_some(Privacy::Private);
                me.list_channels(&self.world.app, privacy, page).await.map(drop)
            }
            "ListChannelMembershipsForAppInstanceUser" => {
                me.list_channel_memberships_for_app_instance_user(Some(target), page).await.map(drop)
            }
            "DescribeChannelMembershipForAppInstanceUser" => {
                me.describe_channel_membership_for_app_instance_user(channel, Some(target)).await.map(drop)
            }
            "ListChannelsModeratedByAppInstanceUser" => {
                me.list_channels_moderated_by_app_instance_user(Some(target), page).await.map(drop)
            }
            "DescribeChannelModeratedByAppInstanceUser" => {
                me.describe_channel_moderated_by_app_instance_user(channel, Some(target)).await.map(drop)
            }
            "CreateChannelMembership" => {
                me.create_channel_membership(channel, target, Default).await.map(drop)
            }
            "DescribeChannelMembership" => me.describe_channel_membership(channel, target).await.map(drop),
            "ListChannelMemberships" => me.list_channel_memberships(channel, None, page).await.map(drop),
            "DeleteChannelMembership" => me.delete_channel_membership(channel, target).await,
            "SendChannelMessage" => self.world.send(&self.caller, channel, "hi").await.map(drop),
            "GetChannelMessage" => me.get_channel_message(channel, message).await.map(drop),
            "ListChannelMessages" => {
                me.list_channel_messages(&ListChannelMessages::new(channel.clone())).await.map(drop)
            }
            "DeleteChannelMessage" => me.delete_channel_message(channel, message).await.map(drop),
            "RedactChannelMessage" => me.redact_channel_message(channel, message).await.map(drop),
            "UpdateChannelMessage" => {
                self.world.edit(&self.caller, channel, message, "edited").await.map(drop)
            }
            "CreateChannelModerator" => me.create_channel_moderator(channel, target).await.map(drop),
            "DeleteChannelModerator" => me.delete_channel_moderator(channel, target).await,
            "DescribeChannelModerator" => me.describe_channel_moderator(channel, target).await.map(drop),
            "ListChannelModerators" => me.list_channel_moderators(channel, page).await.map(drop),
            "CreateChannelBan" => me.create_channel_ban(channel, target).await.map(drop),
            "DeleteChannelBan" => me.delete_channel_ban(channel, target).await,
            "DescribeChannelBan" => me.describe_channel_ban(channel, target).await.map(drop),
            "ListChannelBans" => me.list_channel_bans(channel, page).await.map(drop),
            "UpdateChannelReadMarker" => me.update_channel_read_marker(channel).await,
            other => panic!("no operation {other}"),
        }
    }
}
