//! `…ChannelMessage(s)`.

use std::collections::BTreeMap;
use std::sync::Arc;

use chime_domain::arn::{AppInstanceUserArn, ChannelArn};
use chime_domain::ids::{MessageId, SubChannelId};
use chime_domain::messaging::{
    ListChannelMessages, MessageAttributes, MessageType, Persistence, PushNotification, PushNotificationType,
    SendChannelMessage, UpdateChannelMessage,
};
use chime_domain::ports::Order;
use chime_domain::text::{Content, Metadata, Private};
use chime_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::membership::{sub_channel, sub_channel_of};
use super::shapes::{Epoch, MessageWire, Status};
use crate::api::wire::{self, parsed, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeValue {
    string_values: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    content: Option<String>,
    r#type: Option<MessageType>,
    persistence: Option<Persistence>,
    metadata: Option<String>,
    client_request_token: Option<String>,
    message_attributes: Option<BTreeMap<String, AttributeValue>>,
    sub_channel_id: Option<String>,
    content_type: Option<String>,
    target: Option<Vec<TargetInput>>,
    push_notification: Option<PushInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TargetInput {
    member_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PushInput {
    title: Option<String>,
    body: Option<String>,
    r#type: Option<PushNotificationType>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    content: Option<String>,
    metadata: Option<String>,
    sub_channel_id: Option<String>,
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Redact {
    sub_channel_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sent<'a> {
    channel_arn: &'a str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got<'a> {
    channel_message: MessageWire<'a, Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatusOnly {
    status: Status,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
    channel_arn: &'a str,
    channel_messages: Vec<MessageWire<'a, Epoch>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

fn message_id(request: &ApiRequest) -> Result<MessageId, ApiError> {
    Ok(MessageId::new(request.label("messageId")).map_err(|error| error.of("MessageId"))?)
}

/// Exactly one member.
fn target(wire: Option<Vec<TargetInput>>) -> Result<Option<AppInstanceUserArn>, ApiError> {
    let Some(wire) = wire else { return Ok(None) };
    let [TargetInput { member_arn }] = wire.as_slice() else {
        return Err(ApiError::bad_request("W-17", "Target must hold one target."));
    };
    Ok(Some(wire::user_arn(&required(member_arn.clone(), "MemberArn")?, "MemberArn")?))
}

/// A title of 1 to 50 and a body of 1 to 150 characters.
pub(super) fn push(wire: Option<PushInput>) -> Result<Option<PushNotification>, ApiError> {
    let Some(PushInput { title, body, r#type }) = wire else { return Ok(None) };
    let fits = |text: &Option<String>, most| {
        text.as_ref().is_none_or(|text| (1..=most).contains(&text.chars().count()))
    };
    if !fits(&title, 50) || !fits(&body, 150) {
        let message = "PushNotification must have a Title of 1 to 50 and a Body of 1 to 150 characters.";
        return Err(ApiError::bad_request("W-17", message));
    }
    let kind = r#type.unwrap_or(PushNotificationType::Default);
    Ok(Some(PushNotification { title: title.map(Private), body: body.map(Private), kind }))
}

pub(super) fn content_type(text: Option<String>) -> Result<Option<Arc<str>>, ApiError> {
    if text.as_ref().is_some_and(|text| text.chars().count() > 45) {
        return Err(ApiError::bad_request("W-17", "ContentType must have at most 45 characters."));
    }
    Ok(text.map(Arc::from))
}

/// At most 10 attributes with names of 1 to 64 word characters, and values of 1 to 512 characters, 1 KB in all.
pub(super) fn attributes(
    wire: Option<BTreeMap<String, AttributeValue>>,
) -> Result<MessageAttributes, ApiError> {
    let wire = wire.unwrap_or_default();
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
    };
    let is_value = |value: &String| (1..=512).contains(&value.chars().count());
    let mut attributes = MessageAttributes::new();
    for (name, AttributeValue { string_values }) in wire {
        let values = string_values.unwrap_or_default();
        if !is_name(&name) || !values.iter().all(is_value) {
            return Err(ApiError::bad_request(
                "W-17",
                "MessageAttributes holds a name or a value out of bounds.",
            ));
        }
        attributes.insert(name, values);
    }
    let texts = attributes.iter().flat_map(|(name, values)| std::iter::once(name).chain(values));
    if texts.map(String::len).sum::<usize>() > 1024 {
        return Err(ApiError::bad_request("W-17", "MessageAttributes must have at most 1 KB in all."));
    }
    Ok(attributes)
}

fn sent(
    channel: &ChannelArn,
    id: &MessageId,
    status: Option<Status>,
    sub_channel: Option<&SubChannelId>,
) -> Result<Reply, ApiError> {
    let sub_channel_id = sub_channel.map(SubChannelId::as_str);
    Reply::json(&Sent { channel_arn: channel.as_str(), message_id: id.as_str(), status, sub_channel_id })
}

pub(super) async fn send_channel_message(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Send = request.json()?;
    let sub_channel = sub_channel(input.sub_channel_id)?;
    let channel = request.channel()?;
    let content = required(parsed(input.content, "Content", Content::new)?, "Content")?;
    let mut command = SendChannelMessage::new(channel.clone(), content);
    command.kind = required(input.r#type, "Type")?;
    command.persistence = required(input.persistence, "Persistence")?;
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?;
    command.client_request_token = wire::token(input.client_request_token)?;
    command.attributes = attributes(input.message_attributes)?;
    command.content_type = content_type(input.content_type)?;
    command.target = target(input.target)?;
    command.push = push(input.push_notification)?;
    app.hold_back_senders().await?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let pushes = command.push.is_some();
    let outcome = messaging.send_channel_message(command).await?;
    app.flows().after(&channel, outcome.status);
    if pushes {
        app.scheduler().nudge_outward();
    }
    sent(&channel, &outcome.id, Some(outcome.status.into()), sub_channel.as_ref())
}

pub(super) async fn get_channel_message(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, id) = (request.channel()?, message_id(&request)?);
    let sub_channel = sub_channel_of(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let found = messaging.get_channel_message(&channel, &id).await?;
    Reply::json(&Got { channel_message: MessageWire::sent(&found) })
}

pub(super) async fn get_channel_message_status(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, id) = (request.channel()?, message_id(&request)?);
    let sub_channel = sub_channel_of(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let status = messaging.get_channel_message_status(&channel, &id).await?;
    Reply::json(&StatusOnly { status: status.into() })
}

pub(super) async fn list_channel_messages(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let channel = request.channel()?;
    let moment = |name: &str, parse: fn(&str) -> Option<Timestamp>| {
        let bad = || ApiError::bad_request("TS-04", format!("The query member `{name}` is not a moment."));
        request.query.get(name).map(|text| parse(text).ok_or_else(bad)).transpose()
    };
    let mut command = ListChannelMessages::new(channel.clone());
    let orders = &[("ASCENDING", Order::Ascending), ("DESCENDING", Order::Descending)];
    command.order = request.choice("sort-order", orders)?.unwrap_or(command.order);
    command.not_before = moment("not-before", Timestamp::parse_up)?;
    command.not_after = moment("not-after", Timestamp::parse)?;
    command.page = request.page()?;
    let sub_channel = sub_channel_of(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let page = messaging.list_channel_messages(&command).await?;
    Reply::json(&Listed {
        sub_channel_id: sub_channel.as_ref().map(SubChannelId::as_str),
        channel_arn: channel.as_str(),
        channel_messages: page.items.iter().map(MessageWire::summary).collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn update_channel_message(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Update = request.json()?;
    let sub_channel = sub_channel(input.sub_channel_id)?;
    let (channel, id) = (request.channel()?, message_id(&request)?);
    // An empty content leaves it as it is: older clients send it with an edit of the metadata (wire rule D-05).
    let content = input.content.filter(|content| !content.is_empty() || input.metadata.is_none());
    let mut command = UpdateChannelMessage::new(channel.clone(), id);
    command.content = parsed(content, "Content", Content::new)?;
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?;
    command.content_type = content_type(input.content_type)?;
    if command.content.is_none() && command.metadata.is_none() {
        return Err(ApiError::bad_request("D-05", "Content or Metadata is required."));
    }
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let outcome = messaging.update_channel_message(command).await?;
    app.flows().after(&channel, outcome.status);
    sent(&channel, &outcome.id, Some(outcome.status.into()), sub_channel.as_ref())
}

/// The sub-channel of a redaction: the models have it in the body, and those of its neighbours in the query, where it may
/// be too.
fn redacted_in(request: &ApiRequest) -> Result<Option<SubChannelId>, ApiError> {
    let in_body = sub_channel(request.json::<Redact>()?.sub_channel_id)?;
    let in_query = sub_channel_of(request)?;
    if in_body.is_some() && in_query.is_some() && in_body != in_query {
        return Err(ApiError::bad_request("W-17", "The body and the query name different sub-channels."));
    }
    Ok(in_body.or(in_query))
}

pub(super) async fn redact_channel_message(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, id) = (request.channel()?, message_id(&request)?);
    let sub_channel = redacted_in(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    let id = messaging.redact_channel_message(&channel, &id).await?;
    sent(&channel, &id, None, sub_channel.as_ref())
}

pub(super) async fn delete_channel_message(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, id) = (request.channel()?, message_id(&request)?);
    let sub_channel = sub_channel_of(&request)?;
    let messaging = app.chime().messaging(request.acting_user()?).in_sub_channel(sub_channel.as_ref());
    if let Some(was) = messaging.delete_channel_message(&channel, &id).await? {
        app.flows().after(&channel, was);
    }
    Ok(Reply::empty())
}
