//! Elastic channels: members are divided among sub-channels, which come and go with them.
//!
//! # Our choices
//!
//! - The creator becomes a moderator and no member; members are not given at the creation. An elastic channel is
//!   RESTRICTED and stays so.
//! - Members go to one sub-channel until it has its target, then to one that has room again, then to a new one.
//! - A sub-channel with fewer members than the minimum, ceil(percentage × target / 100), is joined with the others ten
//!   seconds after somebody left, if they have room for all of its members. Its messages go with it.
//! - A moderator is a member of the sub-channels that it was added to by id, and reads all of them. It does not count
//!   among the members of a sub-channel: it neither fills one nor keeps one that is too small. Who becomes a moderator, or
//!   is one no more, leaves its sub-channels.
//! - Without a `SubChannelId` a member of one sub-channel means that one; everybody else has to say which.
//! - The target of a message is a member of the sub-channel that it goes to; otherwise a bad request.
//! - Members read other sub-channels of a public channel as strangers may, by id, and act in their own only.
//! - There are no HIDDEN members, no preferences and no read markers: a bad request.
//! - Users who are moved are told `UPDATE_CHANNEL_MEMBERSHIP`, as are the members of where they come to.

mod balance;
mod seat;
mod service;
mod types;

pub(crate) use balance::run;
pub(super) use seat::{Seat, bad, leave_seats, take_seat};
pub(super) use types::SubLinks;
pub use types::{ElasticChannelConfiguration, SubChannelSummary};
