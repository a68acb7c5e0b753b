//! The event that a processor is called with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::types::FlowWork;
use crate::ids::SubChannelId;
use crate::messaging::types::{Message, MessageType, Persistence, PushNotification};
use crate::text::{Content, Metadata, Private};
use crate::time::Timestamp;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<'a> {
    event_type: &'static str,
    callback_id: &'a str,
    channel_message: ChannelMessage<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChannelMessage<'a> {
    message_id: &'a str,
    channel_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    sender: Sender<'a>,
    r#type: MessageType,
    persistence: Persistence,
    created_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_edited_timestamp: Option<String>,
    last_updated_timestamp: String,
    redacted: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    message_attributes: BTreeMap<&'a str, Values<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    push_notification: Option<Push<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<[Target<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sender<'a> {
    arn: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Values<'a> {
    string_values: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Push<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    r#type: crate::messaging::types::PushNotificationType,
}

impl<'a> From<&'a PushNotification> for Push<'a> {
    fn from(push: &'a PushNotification) -> Self {
        let text = |text: &'a Option<Private<String>>| text.as_ref().map(|text| text.0.as_str());
        Self { title: text(&push.title), body: text(&push.body), r#type: push.kind }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Target<'a> {
    member_arn: &'a str,
}

/// The event of the processor whose turn it is; `accepted` is when the message was accepted.
pub(super) fn event(work: &FlowWork, accepted: Timestamp) -> Private<Vec<u8>> {
    let message: &Message = &work.message;
    let event = Event {
        event_type: "CHANNEL_MESSAGE_EVENT",
        callback_id: work.callback.as_str(),
        channel_message: ChannelMessage {
            message_id: message.id.as_str(),
            channel_arn: message.channel.as_str(),
            sub_channel_id: message.sub_channel.as_ref().map(SubChannelId::as_str),
            content: message.content.as_ref().map(Content::as_str),
            metadata: message.metadata.as_ref().map(Metadata::as_str),
            sender: Sender { arn: message.sender.arn.as_str(), name: message.sender.name.as_str() },
            r#type: message.kind,
            persistence: message.persistence,
            created_timestamp: accepted.to_string(),
            last_edited_timestamp: message.edited.map(|at| at.to_string()),
            last_updated_timestamp: message.updated.unwrap_or(accepted).to_string(),
            redacted: message.redacted,
            message_attributes: message
                .attributes
                .iter()
                .map(|(name, values)| (name.as_str(), Values { string_values: values }))
                .collect(),
            content_type: message.content_type.as_deref(),
            push_notification: message.push.as_ref().map(Push::from),
            target: message.target.as_ref().map(|target| [Target { member_arn: target.as_str() }]),
        },
    };
    // Structs of texts, numbers and lists, for which this encoder does not fail.
    Private(serde_json::to_vec(&event).unwrap_or_default())
}
