//! Frames as clients read them: `{"Headers": {…}, "Payload": "<JSON text>"}` (rules WEB-19 to WEB-26).

use chime_domain::access::MembershipType;
use chime_domain::messaging::{ChannelEvent, FlowDoing, Happening, Message, MessageStatus, Place};
use chime_domain::ports::Stamp;
use serde::Serialize;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::api::messaging::shapes::{ChannelWire, Iso, MembershipWire, MessageWire, type_word};
use crate::api::wire::membership_word;

#[derive(Serialize)]
struct Headers<'a> {
    #[serde(rename = "x-amz-chime-event-type")]
    event_type: &'a str,
    #[serde(rename = "x-amz-chime-message-type")]
    message_type: &'a str,
    #[serde(rename = "x-amz-chime-membership-type", skip_serializing_if = "Option::is_none")]
    membership_type: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    headers: Headers<'a>,
    payload: &'a str,
}

fn envelope(event_type: &str, message_type: &str, kind: Option<MembershipType>, payload: &str) -> Utf8Bytes {
    let membership_type = kind.map(membership_word);
    let envelope = Envelope { headers: Headers { event_type, message_type, membership_type }, payload };
    serde_json::to_string(&envelope).unwrap_or_default().into()
}

/// A SYSTEM frame with a payload of its own.
pub(super) fn system(event_type: &str, payload: &impl Serialize) -> Utf8Bytes {
    envelope(event_type, "SYSTEM", None, &serde_json::to_string(payload).unwrap_or_default())
}

/// The first frame of a session (wire rule S-08).
pub(super) fn session_established() -> Utf8Bytes {
    envelope("SESSION_ESTABLISHED", "SYSTEM", None, "")
}

/// The frame of something that happened, encoded once for all who are told; `None` for what no socket hears of (rule
/// WEB-32).
pub fn of(happening: &Happening) -> Option<Utf8Bytes> {
    let stamp = |place: &Place| Stamp { seq: place.seq, at: place.at };
    let message = |event_type, of: &Message, stamp| Some(message(event_type, of, stamp, MessageStatus::Sent));
    match happening {
        Happening::MessageCreated(sent) => message("CREATE_CHANNEL_MESSAGE", &sent.message, sent.stamp),
        Happening::Event(event) => match &**event {
            ChannelEvent::MessageUpdated(new, place) => message("UPDATE_CHANNEL_MESSAGE", new, stamp(place)),
            ChannelEvent::MessageRedacted(new, place) => message("REDACT_CHANNEL_MESSAGE", new, stamp(place)),
            ChannelEvent::MessageDeleted(old, place) => message("DELETE_CHANNEL_MESSAGE", old, stamp(place)),
            ChannelEvent::MessageStatus(of, place, doing, status) => {
                Some(self::message(status_event(*doing, *status)?, of, stamp(place), *status))
            }
            ChannelEvent::ChannelUpdated(channel) => {
                Some(system("UPDATE_CHANNEL", &ChannelWire::<Iso>::new(channel, None)))
            }
            ChannelEvent::ChannelDeleted(channel) => {
                Some(system("DELETE_CHANNEL", &ChannelWire::<Iso>::new(channel, None)))
            }
            ChannelEvent::MembershipCreated(membership) => {
                Some(member("CREATE_CHANNEL_MEMBERSHIP", membership))
            }
            ChannelEvent::MembershipDeleted(membership) => {
                Some(member("DELETE_CHANNEL_MEMBERSHIP", membership))
            }
            ChannelEvent::MembershipMoved(membership, _) => {
                Some(member("UPDATE_CHANNEL_MEMBERSHIP", membership))
            }
            ChannelEvent::SubChannelCreated(..)
            | ChannelEvent::SubChannelDeleted(..)
            | ChannelEvent::ChannelCreated(_)
            | ChannelEvent::ModeratorCreated(_)
            | ChannelEvent::ModeratorDeleted(_)
            | ChannelEvent::BanCreated(_)
            | ChannelEvent::BanDeleted(_) => None,
        },
    }
}

fn message(event_type: &str, of: &Message, stamp: Stamp, status: MessageStatus) -> Utf8Bytes {
    let payload = serde_json::to_string(&MessageWire::<Iso>::new(of, stamp, status)).unwrap_or_default();
    envelope(event_type, type_word(of.kind), None, &payload)
}

/// What the sender of a message hears while a channel flow is at it.
const fn status_event(doing: FlowDoing, status: MessageStatus) -> Option<&'static str> {
    Some(match (status, doing) {
        (MessageStatus::Pending, FlowDoing::Create) => "PENDING_CREATE_CHANNEL_MESSAGE",
        (MessageStatus::Pending, FlowDoing::Update) => "PENDING_UPDATE_CHANNEL_MESSAGE",
        (MessageStatus::Failed, FlowDoing::Create) => "FAILED_CREATE_CHANNEL_MESSAGE",
        (MessageStatus::Failed, FlowDoing::Update) => "FAILED_UPDATE_CHANNEL_MESSAGE",
        (MessageStatus::Denied, FlowDoing::Create) => "DENIED_CREATE_CHANNEL_MESSAGE",
        (MessageStatus::Denied, FlowDoing::Update) => "DENIED_UPDATE_CHANNEL_MESSAGE",
        (MessageStatus::Sent, _) => return None,
    })
}

fn member(event_type: &str, membership: &chime_domain::messaging::Membership) -> Utf8Bytes {
    let payload = serde_json::to_string(&MembershipWire::<Iso>::from(membership)).unwrap_or_default();
    envelope(event_type, "SYSTEM", Some(membership.kind), &payload)
}
