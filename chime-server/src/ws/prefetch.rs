//! `prefetch-on=connect`: what a user may want to see first (wire rule S-03).

use chime_domain::arn::AppInstanceUserArn;
use chime_domain::error::ServiceError;
use chime_domain::flow::Chime;
use chime_domain::messaging::{ListChannelMessages, OwnMembership};
use chime_domain::page::PageRequest;
use serde::Serialize;

use super::frame;
use super::outgoing::Outgoing;
use crate::api::messaging::shapes::{ChannelWire, Iso, MessageWire, Moment};
use crate::api::wire::IdentityWire;

const CHANNELS: usize = 50;
const MESSAGES: usize = 20;
const MEMBERS: usize = 30;

/// Which channels come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SortBy {
    /// Those with messages that the user has not read.
    Unread,
    /// Those with the newest message.
    LastMessage,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Member<'a> {
    member: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Details<'a> {
    channel: ChannelWire<'a, Iso>,
    channel_messages: Vec<MessageWire<'a, Iso>>,
    channel_messages_has_more: bool,
    channel_memberships: Vec<Member<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_marker_timestamp: Option<Iso>,
}

/// Sends the details of the first channels, if they are wanted. What cannot be read is left out: the client asks for it by
/// the API.
pub(super) async fn send(
    chime: &Chime,
    user: &AppInstanceUserArn,
    sort: Option<SortBy>,
    outgoing: &Outgoing,
) {
    let Some(sort) = sort else { return };
    let channels = first_channels(chime, user, sort).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a prefetch failed");
        Vec::new()
    });
    for own in &channels {
        // All of them together would be more than may wait for a client.
        outgoing.emptied().await;
        if let Err(error) = send_one(chime, user, own, outgoing).await {
            tracing::debug!(%error, "a channel was left out of a prefetch");
        }
    }
}

async fn first_channels(
    chime: &Chime,
    user: &AppInstanceUserArn,
    sort: SortBy,
) -> Result<Vec<OwnMembership>, ServiceError> {
    let mut all = chime.messaging(user).all_own_memberships().await?;
    all.sort_by_key(|own| {
        let last = own.channel.last_message;
        let unread = last.is_some_and(|last| own.read_marker.is_none_or(|read| read < last));
        std::cmp::Reverse((sort == SortBy::Unread && unread, last))
    });
    all.truncate(CHANNELS);
    Ok(all)
}

async fn send_one(
    chime: &Chime,
    user: &AppInstanceUserArn,
    own: &OwnMembership,
    outgoing: &Outgoing,
) -> Result<(), ServiceError> {
    let channel = &own.channel.channel;
    let messaging = chime.messaging(user);
    let mut newest = ListChannelMessages::new(channel.arn.clone());
    newest.page = PageRequest::first(MESSAGES);
    let messages = messaging.list_channel_messages(&newest).await?;
    let members =
        messaging.list_channel_memberships(&channel.arn, None, &PageRequest::first(MEMBERS)).await?;
    let details = Details {
        channel: ChannelWire::new(channel, own.channel.last_message),
        channel_messages: messages.items.iter().map(MessageWire::summary).collect(),
        channel_messages_has_more: messages.next.is_some(),
        channel_memberships: members
            .items
            .iter()
            .map(|found| Member { member: (&found.member).into() })
            .collect(),
        read_marker_timestamp: own.read_marker.map(Iso::of),
    };
    outgoing.push(&frame::system("CHANNEL_DETAILS", &details));
    Ok(())
}
