//! Channels and what is in them.

use super::Operation;
use super::row::Resource::{ActingUser, ActingUserAndChannel, Any, AppInstance, Channel, ChannelFlow};
use super::row::services::{M, ML};
use super::row::{delete, get, post, put};

pub(super) const ROWS: &[Operation] = &[
    get(
        "/app-instances/{appInstanceArn}/streaming-configurations",
        "GetMessagingStreamingConfigurations",
        200,
        ML,
        AppInstance,
    )
    .legacy("GetAppInstanceStreamingConfigurations"),
    put(
        "/app-instances/{appInstanceArn}/streaming-configurations",
        "PutMessagingStreamingConfigurations",
        200,
        ML,
        AppInstance,
    )
    .legacy("PutAppInstanceStreamingConfigurations"),
    delete(
        "/app-instances/{appInstanceArn}/streaming-configurations",
        "DeleteMessagingStreamingConfigurations",
        204,
        ML,
        AppInstance,
    )
    .legacy("DeleteAppInstanceStreamingConfigurations"),
    get("/channel-flows", "ListChannelFlows", 200, M, AppInstance),
    post("/channel-flows", "CreateChannelFlow", 201, M, AppInstance),
    get("/channel-flows/{channelFlowArn}", "DescribeChannelFlow", 200, M, ChannelFlow),
    put("/channel-flows/{channelFlowArn}", "UpdateChannelFlow", 200, M, ChannelFlow),
    delete("/channel-flows/{channelFlowArn}", "DeleteChannelFlow", 204, M, ChannelFlow),
    get("/channels", "ListChannels", 200, ML, ActingUser).bearer(),
    get(
        "/channels?scope=app-instance-user-memberships",
        "ListChannelMembershipsForAppInstanceUser",
        200,
        ML,
        ActingUser,
    )
    .bearer(),
    get(
        "/channels?scope=app-instance-user-moderated-channels",
        "ListChannelsModeratedByAppInstanceUser",
        200,
        ML,
        ActingUser,
    )
    .bearer(),
    get(
        "/channels?scope=channel-flow-associations",
        "ListChannelsAssociatedWithChannelFlow",
        200,
        M,
        ChannelFlow,
    ),
    post("/channels", "CreateChannel", 201, ML, ActingUser).bearer(),
    post("/channels?operation=search", "SearchChannels", 200, M, ActingUser).bearer_optional(),
    get("/channels/{channelArn}", "DescribeChannel", 200, ML, ActingUserAndChannel).bearer(),
    get(
        "/channels/{channelArn}?scope=app-instance-user-membership",
        "DescribeChannelMembershipForAppInstanceUser",
        200,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    get(
        "/channels/{channelArn}?scope=app-instance-user-moderated-channel",
        "DescribeChannelModeratedByAppInstanceUser",
        200,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    post("/channels/{channelArn}?operation=channel-flow-callback", "ChannelFlowCallback", 200, M, Channel),
    put("/channels/{channelArn}", "UpdateChannel", 200, ML, ActingUserAndChannel).bearer(),
    delete("/channels/{channelArn}", "DeleteChannel", 204, ML, ActingUserAndChannel).bearer(),
    get("/channels/{channelArn}/bans", "ListChannelBans", 200, ML, ActingUserAndChannel).bearer(),
    post("/channels/{channelArn}/bans", "CreateChannelBan", 201, ML, ActingUserAndChannel).bearer(),
    get("/channels/{channelArn}/bans/{memberArn}", "DescribeChannelBan", 200, ML, ActingUserAndChannel)
        .bearer(),
    delete("/channels/{channelArn}/bans/{memberArn}", "DeleteChannelBan", 204, ML, ActingUserAndChannel)
        .bearer(),
    put("/channels/{channelArn}/channel-flow", "AssociateChannelFlow", 200, M, ActingUserAndChannel).bearer(),
    delete(
        "/channels/{channelArn}/channel-flow/{channelFlowArn}",
        "DisassociateChannelFlow",
        204,
        M,
        ActingUserAndChannel,
    )
    .bearer(),
    put(
        "/channels/{channelArn}/expiration-settings",
        "PutChannelExpirationSettings",
        200,
        M,
        ActingUserAndChannel,
    )
    .bearer_optional(),
    get("/channels/{channelArn}/memberships", "ListChannelMemberships", 200, ML, ActingUserAndChannel)
        .bearer(),
    post("/channels/{channelArn}/memberships", "CreateChannelMembership", 201, ML, ActingUserAndChannel)
        .bearer(),
    post(
        "/channels/{channelArn}/memberships?operation=batch-create",
        "BatchCreateChannelMembership",
        200,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    get(
        "/channels/{channelArn}/memberships/{memberArn}",
        "DescribeChannelMembership",
        200,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    delete(
        "/channels/{channelArn}/memberships/{memberArn}",
        "DeleteChannelMembership",
        204,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    get(
        "/channels/{channelArn}/memberships/{memberArn}/preferences",
        "GetChannelMembershipPreferences",
        200,
        M,
        ActingUserAndChannel,
    )
    .bearer(),
    put(
        "/channels/{channelArn}/memberships/{memberArn}/preferences",
        "PutChannelMembershipPreferences",
        200,
        M,
        ActingUserAndChannel,
    )
    .bearer(),
    get("/channels/{channelArn}/messages", "ListChannelMessages", 200, ML, ActingUserAndChannel).bearer(),
    post("/channels/{channelArn}/messages", "SendChannelMessage", 201, ML, ActingUserAndChannel).bearer(),
    get("/channels/{channelArn}/messages/{messageId}", "GetChannelMessage", 200, ML, ActingUserAndChannel)
        .bearer(),
    get(
        "/channels/{channelArn}/messages/{messageId}?scope=message-status",
        "GetChannelMessageStatus",
        200,
        M,
        ActingUserAndChannel,
    )
    .bearer(),
    post(
        "/channels/{channelArn}/messages/{messageId}?operation=redact",
        "RedactChannelMessage",
        200,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    put("/channels/{channelArn}/messages/{messageId}", "UpdateChannelMessage", 200, ML, ActingUserAndChannel)
        .bearer(),
    delete(
        "/channels/{channelArn}/messages/{messageId}",
        "DeleteChannelMessage",
        204,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    get("/channels/{channelArn}/moderators", "ListChannelModerators", 200, ML, ActingUserAndChannel).bearer(),
    post("/channels/{channelArn}/moderators", "CreateChannelModerator", 201, ML, ActingUserAndChannel)
        .bearer(),
    get(
        "/channels/{channelArn}/moderators/{channelModeratorArn}",
        "DescribeChannelModerator",
        200,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    delete(
        "/channels/{channelArn}/moderators/{channelModeratorArn}",
        "DeleteChannelModerator",
        204,
        ML,
        ActingUserAndChannel,
    )
    .bearer(),
    put("/channels/{channelArn}/readMarker", "UpdateChannelReadMarker", 200, ML, ActingUserAndChannel)
        .bearer(),
    get("/channels/{channelArn}/subchannels", "ListSubChannels", 200, M, ActingUserAndChannel).bearer(),
    get("/endpoints/messaging-session", "GetMessagingSessionEndpoint", 200, ML, Any),
];
