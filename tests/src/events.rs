//! What a user received, as short texts.

use chime_domain::messaging::{ChannelEvent, Happening, Inbox, Message};

/// Everything that waits in an inbox, in order.
///
/// # Panics
///
/// When the store fails.
pub async fn received(inbox: &mut Inbox) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(happening) = inbox.try_next().await.expect("the outbox") {
        all.push(shown(&happening));
    }
    all
}

/// An event as its wire name and what it is about: the content of a message (`-` when there is none), the id of a
/// member, the name of a channel.
#[must_use]
pub fn shown(happening: &Happening) -> String {
    let event = match happening {
        Happening::MessageCreated(sent) => return format!("CREATE_CHANNEL_MESSAGE {}", text(&sent.message)),
        Happening::Event(event) => event,
    };
    match &**event {
        ChannelEvent::ChannelCreated(channel) => format!("CREATE_CHANNEL {}", channel.name.as_str()),
        ChannelEvent::ChannelUpdated(channel) => format!("UPDATE_CHANNEL {}", channel.name.as_str()),
        ChannelEvent::ChannelDeleted(channel) => format!("DELETE_CHANNEL {}", channel.name.as_str()),
        ChannelEvent::MembershipCreated(membership) => {
            format!("CREATE_CHANNEL_MEMBERSHIP {}", membership.member.arn.user_id())
        }
        ChannelEvent::MembershipDeleted(membership) => {
            format!("DELETE_CHANNEL_MEMBERSHIP {}", membership.member.arn.user_id())
        }
        ChannelEvent::MembershipMoved(membership, _) => {
            format!("UPDATE_CHANNEL_MEMBERSHIP {}", membership.member.arn.user_id())
        }
        ChannelEvent::MessageUpdated(message, _) => format!("UPDATE_CHANNEL_MESSAGE {}", text(message)),
        ChannelEvent::MessageRedacted(message, _) => format!("REDACT_CHANNEL_MESSAGE {}", text(message)),
        ChannelEvent::MessageDeleted(message, _) => format!("DELETE_CHANNEL_MESSAGE {}", text(message)),
        ChannelEvent::MessageStatus(message, _, doing, status) => {
            let event = format!("{status:?}_{doing:?}_CHANNEL_MESSAGE").to_uppercase();
            format!("{event} {}", text(message))
        }
        ChannelEvent::ModeratorCreated(_)
        | ChannelEvent::ModeratorDeleted(_)
        | ChannelEvent::BanCreated(_)
        | ChannelEvent::BanDeleted(_)
        | ChannelEvent::SubChannelCreated(..)
        | ChannelEvent::SubChannelDeleted(..) => "SILENT".to_owned(),
    }
}

fn text(message: &Message) -> &str {
    message.content.as_ref().map_or("-", |content| content.as_str())
}
