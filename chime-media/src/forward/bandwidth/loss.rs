//! What does not arrive.

use std::time::{Duration, Instant};

/// Time over which loss is counted.
const OVER: Duration = Duration::from_millis(600);
/// Packets that tell something.
const LEAST: u32 = 20;

#[derive(Clone, Debug, Default)]
pub(super) struct Loss {
    since: Option<Instant>,
    lost: u32,
    all: u32,
}

impl Loss {
    pub(super) fn packet(&mut self, lost: bool) {
        self.all += 1;
        self.lost += u32::from(lost);
    }

    /// The fraction that was lost, each time that enough was seen.
    pub(super) fn take(&mut self, now: Instant) -> Option<f64> {
        let since = *self.since.get_or_insert(now);
        if self.all < LEAST || now.saturating_duration_since(since) < OVER {
            return None;
        }
        let fraction = f64::from(self.lost) / f64::from(self.all);
        *self = Self { since: Some(now), lost: 0, all: 0 };
        Some(fraction)
    }
}
