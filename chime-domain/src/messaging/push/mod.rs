//! Push notifications: a message tells the devices of the channel's members.
//!
//! # Our choices
//!
//! - Everyone who may see the message is told, its sender too, on every device that allows it and is not known to be
//!   unreachable, unless the member's preferences for the channel say otherwise.
//! - A device that the notifier rejects is INACTIVE from then on, for an invalid device token.
//! - A notification that cannot be handed over is tried again for an hour. When not one of a hundred members can be
//!   told, all of them wait; otherwise the others go on, and up to a thousand devices are remembered.
//! - A filter rule names attributes of the message: a list of values that one of the attribute's values must be among,
//!   or `anything-but` a list; `$or` holds up to 5 alternatives. A message without the attribute fits no list of values
//!   and every `anything-but`.

mod filter;
mod work;

pub use filter::{FilterRule, FilterRuleError};
pub(super) use work::begin;
pub(crate) use work::run;
