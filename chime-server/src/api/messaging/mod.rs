//! Channels, memberships, moderators, bans, messages, the messaging session.

mod ban;
mod channel;
mod channel_list;
mod flow;
mod membership;
pub(crate) mod message;
mod moderator;
mod own;
mod session;
pub(crate) mod shapes;
mod sub_channel;

crate::handlers! {
    "CreateChannel" => channel::create_channel,
    "DescribeChannel" => channel::describe_channel,
    "UpdateChannel" => channel::update_channel,
    "DeleteChannel" => channel::delete_channel,
    "PutChannelExpirationSettings" => channel::put_channel_expiration_settings,
    "ListChannels" => channel_list::list_channels,
    "SearchChannels" => channel_list::search_channels,
    "CreateChannelMembership" => membership::create_channel_membership,
    "BatchCreateChannelMembership" => membership::batch_create_channel_membership,
    "DescribeChannelMembership" => membership::describe_channel_membership,
    "DeleteChannelMembership" => membership::delete_channel_membership,
    "ListChannelMemberships" => membership::list_channel_memberships,
    "UpdateChannelReadMarker" => membership::update_channel_read_marker,
    "PutChannelMembershipPreferences" => membership::put_channel_membership_preferences,
    "GetChannelMembershipPreferences" => membership::get_channel_membership_preferences,
    "DescribeChannelMembershipForAppInstanceUser" => own::describe_channel_membership_for_app_instance_user,
    "ListChannelMembershipsForAppInstanceUser" => own::list_channel_memberships_for_app_instance_user,
    "DescribeChannelModeratedByAppInstanceUser" => own::describe_channel_moderated_by_app_instance_user,
    "ListChannelsModeratedByAppInstanceUser" => own::list_channels_moderated_by_app_instance_user,
    "CreateChannelModerator" => moderator::create_channel_moderator,
    "DescribeChannelModerator" => moderator::describe_channel_moderator,
    "DeleteChannelModerator" => moderator::delete_channel_moderator,
    "ListChannelModerators" => moderator::list_channel_moderators,
    "CreateChannelBan" => ban::create_channel_ban,
    "DescribeChannelBan" => ban::describe_channel_ban,
    "DeleteChannelBan" => ban::delete_channel_ban,
    "ListChannelBans" => ban::list_channel_bans,
    "SendChannelMessage" => message::send_channel_message,
    "GetChannelMessage" => message::get_channel_message,
    "GetChannelMessageStatus" => message::get_channel_message_status,
    "ListChannelMessages" => message::list_channel_messages,
    "UpdateChannelMessage" => message::update_channel_message,
    "RedactChannelMessage" => message::redact_channel_message,
    "DeleteChannelMessage" => message::delete_channel_message,
    "ListSubChannels" => sub_channel::list_sub_channels,
    "CreateChannelFlow" => flow::create_channel_flow,
    "DescribeChannelFlow" => flow::describe_channel_flow,
    "UpdateChannelFlow" => flow::update_channel_flow,
    "DeleteChannelFlow" => flow::delete_channel_flow,
    "ListChannelFlows" => flow::list_channel_flows,
    "ListChannelsAssociatedWithChannelFlow" => flow::list_channels_associated_with_channel_flow,
    "AssociateChannelFlow" => flow::associate_channel_flow,
    "DisassociateChannelFlow" => flow::disassociate_channel_flow,
    "ChannelFlowCallback" => flow::channel_flow_callback,
    "GetMessagingSessionEndpoint" => session::get_messaging_session_endpoint,
}
