//! Rates of requests.

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
];

pub(super) fn read(values: &Values) -> Rate {
    let number = |path| u32::try_from(values.number(path)).unwrap_or(u32::MAX);
    Rate { per_second: number("throttle.requests_per_second"), burst: number("throttle.burst") }
}
