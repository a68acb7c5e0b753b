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
        "throttle.meetings_per_second",
        Number(0, 1_000_000),
        "",
        "Requests per second of all operations on meetings together; 0 has each count by itself like the others. 10 by the \
         documents, and 0 with --test-clock: tests here ask a hundred times faster than they could ask the vendor.",
    ),
    Key::new(
        "throttle.meetings_burst",
        Number(1, 1_000_000),
        "20",
        "Requests of operations on meetings that may come at once.",
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

/// The rate that operations on meetings share; `None` when each has its own (rules QTA-06, QTA-07).
pub(super) fn meetings(values: &Values) -> Option<Rate> {
    let number = |path| u32::try_from(values.number(path)).unwrap_or(u32::MAX);
    let documented = if values.flag("test_clock") { 0 } else { 10 };
    let path = "throttle.meetings_per_second";
    let per_second = values.get(path).map_or(documented, |_| number(path));
    Some(Rate { per_second, burst: number("throttle.meetings_burst") }).filter(|rate| rate.per_second > 0)
}
