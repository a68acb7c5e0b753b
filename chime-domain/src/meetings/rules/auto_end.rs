//! When meetings end by themselves (rules END-01 to END-06).

use std::time::Duration;

use crate::meetings::report::Presence;
use crate::time::Timestamp;

/// A condition that ends a meeting when it holds for too long.
#[derive(Clone, Copy, Debug)]
pub struct AutoEnd {
    /// The rule it comes from.
    pub rule: &'static str,
    /// The meeting ends when it has held for longer.
    pub after: Duration,
    /// Whether it holds.
    pub holds: fn(&Presence) -> bool,
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// The documented conditions, row for row. Presence keeps since when each of them holds, in this order.
pub const AUTO_END: [AutoEnd; 4] = [
    AutoEnd { rule: "END-01", after: minutes(5), holds: |presence| presence.audio() == 0 },
    AutoEnd { rule: "END-02", after: minutes(30), holds: |presence| presence.audio() < 2 },
    // Only while fewer than two audio connections keep the meeting alive; the words alone would end one that talks.
    AutoEnd {
        rule: "END-03",
        after: minutes(30),
        holds: |presence| presence.audio() < 2 && !presence.content_is_viewed(),
    },
    AutoEnd { rule: "END-04", after: minutes(24 * 60), holds: |_| true },
];

/// The first moment at which a condition has held for more than its time.
fn past(row: &AutoEnd, since: Timestamp) -> Timestamp {
    since + row.after + Duration::from_millis(1)
}

/// When the meeting ends if nothing happens any more.
#[must_use]
pub(in crate::meetings) fn due(presence: &Presence) -> Timestamp {
    let times = AUTO_END.iter().zip(presence.since).filter_map(|(row, since)| Some(past(row, since?)));
    times.min().unwrap_or(Timestamp::MAX)
}

/// Starts the timers whose condition has come to hold, and clears those whose condition does not (rule END-06).
pub(in crate::meetings) fn settle(presence: &mut Presence, now: Timestamp) {
    let holds = AUTO_END.map(|row| (row.holds)(presence));
    for (since, holds) in presence.since.iter_mut().zip(holds) {
        *since = holds.then(|| since.unwrap_or(now));
    }
}
