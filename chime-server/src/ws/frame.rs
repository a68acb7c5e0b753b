//! Frames as clients read them: `{"Headers": {…}, "Payload": "<JSON text>"}` (rules WEB-19 to WEB-26).

use chime_domain::access::MembershipType;
use chime_domain::messaging::{ChannelEvent, Happening};
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

/// The last frame of a prefetch.
pub(super) fn prefetch_completed() -> Utf8Bytes {
    envelope("PREFETCH_COMPLETED", "SYSTEM", None, "")
}

/// The frame of something that happened, encoded once for all who are told; `None` for what no socket hears of (rule
/// WEB-32).
pub fn of(happening: &Happening) -> Option<Utf8Bytes> {
    let message = |event_type, message: &chime_domain::messaging::Message, stamp| {
        let payload = serde_json::to_string(&MessageWire::<Iso>::new(message, stamp)).unwrap_or_default();
        Some(envelope(event_type, type_word(message.kind), None, &payload))
    };
    let stamp =
        |place: &chime_domain::messaging::Place| chime_domain::ports::Stamp { seq: place.seq, at: place.at };
    match happening {
        Happening::MessageCreated(sent) => message("CREATE_CHANNEL_MESSAGE", &sent.message, sent.stamp),
        Happening::Event(event) => match &**event {
            ChannelEvent::MessageUpdated(new, place) => message("UPDATE_CHANNEL_MESSAGE", new, stamp(place)),
            ChannelEvent::MessageRedacted(new, place) => message("REDACT_CHANNEL_MESSAGE", new, stamp(place)),
            ChannelEvent::MessageDeleted(old, place) => message("DELETE_CHANNEL_MESSAGE", old, stamp(place)),
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
            ChannelEvent::ChannelCreated(_)
            | ChannelEvent::ModeratorCreated(_)
            | ChannelEvent::ModeratorDeleted(_)
            | ChannelEvent::BanCreated(_)
            | ChannelEvent::BanDeleted(_) => None,
        },
    }
}

fn member(event_type: &str, membership: &chime_domain::messaging::Membership) -> Utf8Bytes {
    let payload = serde_json::to_string(&MembershipWire::<Iso>::from(membership)).unwrap_or_default();
    envelope(event_type, "SYSTEM", Some(membership.kind), &payload)
}
