//! Pure rules, a file for each kind of thing.

pub(super) mod channels;
pub(crate) mod leaving;
pub(super) mod memberships;
pub(super) mod messages;
pub(super) mod moderation;
