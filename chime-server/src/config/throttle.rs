//! Rates of requests, and how far deliveries may fall behind.

use super::key::Kind::Number;
use super::{Key, Values};
use crate::throttle::Rate;

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "throttle.requests_per_second",
        Number(0, 1_000_000),
        "2000",
        "Requests per second for each operation that can go on for ever; 0 throttles nothing.",
    ),
    Key::new(
        "throttle.burst",
        Number(1, 1_000_000),
        "4000",
        "Requests for each operation that may come at once.",
    ),
    Key::new(
        "throttle.backlog",
        Number(0, 1_000_000_000),
        "1024",
        "Announcements that may wait for the fan-out of this node before SendChannelMessage is throttled; 0 for no \
         bound.",
    ),
];

/// Announcements that may wait for the fan-out; `None` for no bound.
pub(super) fn backlog(values: &Values) -> Option<u64> {
    Some(values.number("throttle.backlog")).filter(|most| *most > 0)
}

pub(super) fn read(values: &Values) -> Rate {
    let number = |path| u32::try_from(values.number(path)).unwrap_or(u32::MAX);
    Rate { per_second: number("throttle.requests_per_second"), burst: number("throttle.burst") }
}
