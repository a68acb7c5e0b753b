//! How long packets wait on the way: their delay above the least that was seen. A queue that stays full shows in no trend.

use std::time::{Duration, Instant};

use super::{Fate, millis};

/// How long the least delay is believed: clocks drift, and paths change.
const BELIEVED: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    start: Option<Instant>,
    /// Least delays, in milliseconds and some constant: of the time before the last turn, and since then.
    least: (f64, f64),
    turned: Option<Instant>,
    /// Least delay of the last feedback.
    last: f64,
    trip: Option<Duration>,
}

impl Queue {
    /// Takes feedback.
    pub(super) fn feedback(&mut self, now: Instant, fates: &[Fate]) {
        let start = *self.start.get_or_insert(now);
        let delays = fates.iter().filter_map(|fate| {
            let sent = fate.sent.saturating_duration_since(start);
            let before = start.saturating_duration_since(fate.sent);
            Some(millis(fate.arrived?) - millis(sent) + millis(before))
        });
        let Some(least) = delays.reduce(f64::min) else { return };
        self.last = least;
        match self.turned {
            None => (self.turned, self.least) = (Some(now), (least, least)),
            Some(at) if now.saturating_duration_since(at) > BELIEVED => {
                (self.turned, self.least) = (Some(now), (self.least.1, least));
            }
            Some(_) => self.least.1 = self.least.1.min(least),
        }
        if let Some(newest) = fates.iter().rev().find(|fate| fate.arrived.is_some()) {
            let trip = now.saturating_duration_since(newest.sent);
            self.trip = Some(self.trip.map_or(trip, |before| (before * 7 + trip) / 8));
        }
    }

    /// How long packets wait now, in milliseconds.
    pub(super) fn waits(&self) -> f64 {
        self.last - self.least.0.min(self.least.1)
    }

    /// From a packet's departure to the feedback on it.
    pub(super) fn trip(&self) -> Option<Duration> {
        self.trip
    }
}
