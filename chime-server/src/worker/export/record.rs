//! Events as they stand in a stream: `{"EventType": …, "Payload": {…}}` (rules STR-11 to STR-13).

use chime_domain::messaging::{ChannelEvent, Happening, Message, MessageStatus, Place};
use chime_domain::ports::Stamp;
use serde::Serialize;

use crate::api::messaging::shapes::{BanWire, ChannelWire, Iso, MembershipWire, MessageWire, ModeratorWire};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event<P> {
    event_type: &'static str,
    payload: P,
}

/// Payload of what happens to a sub-channel.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SubChannel<'a> {
    channel_arn: &'a str,
    sub_channel_id: &'a str,
}

fn text(event_type: &'static str, payload: impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(&Event { event_type, payload }).ok()
}

/// The JSON text of something that happened, in one line; `None` for what is not streamed.
pub(super) fn of(happening: &Happening) -> Option<Vec<u8>> {
    let event = match happening {
        Happening::MessageCreated(sent) => {
            return message("CREATE_CHANNEL_MESSAGE", &sent.message, sent.stamp);
        }
        Happening::Event(event) => event,
    };
    let channel = |event_type, channel| text(event_type, ChannelWire::<Iso>::new(channel, None));
    let stamp = |place: &Place| Stamp { seq: place.seq, at: place.at };
    match &**event {
        ChannelEvent::ChannelCreated(of) => channel("CREATE_CHANNEL", of),
        ChannelEvent::ChannelUpdated(of) => channel("UPDATE_CHANNEL", of),
        ChannelEvent::ChannelDeleted(of) => channel("DELETE_CHANNEL", of),
        ChannelEvent::MembershipCreated(of) => {
            text("CREATE_CHANNEL_MEMBERSHIP", MembershipWire::<Iso>::from(of))
        }
        ChannelEvent::MembershipDeleted(of) => {
            text("DELETE_CHANNEL_MEMBERSHIP", MembershipWire::<Iso>::from(of))
        }
        ChannelEvent::ModeratorCreated(of) => {
            text("CREATE_CHANNEL_MODERATOR", ModeratorWire::<Iso>::from(of))
        }
        ChannelEvent::ModeratorDeleted(of) => {
            text("DELETE_CHANNEL_MODERATOR", ModeratorWire::<Iso>::from(of))
        }
        ChannelEvent::BanCreated(of) => text("CREATE_CHANNEL_BAN", BanWire::<Iso>::from(of)),
        ChannelEvent::BanDeleted(of) => text("DELETE_CHANNEL_BAN", BanWire::<Iso>::from(of)),
        ChannelEvent::MessageUpdated(of, place) => message("UPDATE_CHANNEL_MESSAGE", of, stamp(place)),
        ChannelEvent::MessageRedacted(of, place) => message("REDACT_CHANNEL_MESSAGE", of, stamp(place)),
        ChannelEvent::MessageDeleted(of, place) => message("DELETE_CHANNEL_MESSAGE", of, stamp(place)),
        ChannelEvent::MembershipMoved(of, _) => {
            text("UPDATE_CHANNEL_MEMBERSHIP", MembershipWire::<Iso>::from(of))
        }
        ChannelEvent::SubChannelCreated(channel, id) => text(
            "CREATE_SUB_CHANNEL",
            SubChannel { channel_arn: channel.as_str(), sub_channel_id: id.as_str() },
        ),
        ChannelEvent::SubChannelDeleted(channel, id) => text(
            "DELETE_SUB_CHANNEL",
            SubChannel { channel_arn: channel.as_str(), sub_channel_id: id.as_str() },
        ),
        ChannelEvent::MessageStatus(..) => None,
    }
}

fn message(event_type: &'static str, of: &Message, stamp: Stamp) -> Option<Vec<u8>> {
    text(event_type, MessageWire::<Iso>::new(of, stamp, MessageStatus::Sent))
}
