//! What is taken away with a channel or a user, for the tasks that do it in steps.

pub(crate) use super::channels::remove as channel;
pub(crate) use super::memberships::drop as membership;
pub(crate) use super::moderation::{drop_ban as ban, drop_moderator as moderator};
