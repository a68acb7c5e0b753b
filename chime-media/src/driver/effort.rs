//! How much effort encoders may make: less when a thread has more to do than it can do in time.

use std::time::{Duration, Instant};

/// How often the load is judged.
const EVERY: Duration = Duration::from_millis(500);
/// Parts of the time, in percent: with more work than the first the effort falls by one, with less than the second it
/// rises. One step of it changes the work by about an eighth, so that it does not go to and fro.
const BUSY: u128 = 70;
const EASY: u128 = 50;

/// The effort of one thread.
#[derive(Debug)]
pub(super) struct Effort {
    most: u8,
    now: u8,
    since: Instant,
    worked: Duration,
}

impl Effort {
    /// The most that may be made, 0 to 10, from `now` on.
    pub(super) const fn new(most: u8, now: Instant) -> Self {
        Self { most, now: most, since: now, worked: Duration::ZERO }
    }

    /// The effort to make, 0 to 10.
    pub(super) const fn complexity(&self) -> u8 {
        self.now
    }

    /// The thread has worked; tells the effort if it has changed.
    pub(super) fn worked(&mut self, from: Instant, to: Instant) -> Option<u8> {
        self.worked += to.saturating_duration_since(from);
        let elapsed = to.saturating_duration_since(self.since);
        if elapsed < EVERY {
            return None;
        }
        let percent = self.worked.as_micros() * 100 / elapsed.as_micros().max(1);
        (self.since, self.worked) = (to, Duration::ZERO);
        let next = match percent {
            busy if busy > BUSY => self.now.saturating_sub(1),
            easy if easy < EASY => (self.now + 1).min(self.most),
            _ => self.now,
        };
        (next != std::mem::replace(&mut self.now, next)).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_makes_less_effort_and_a_rested_one_as_much_as_it_may() {
        let start = crate::testing::start();
        let mut effort = Effort::new(3, start);
        let mut at = start;
        let mut run = |percent: u64, ticks: u32| -> Vec<u8> {
            let mut changes = Vec::new();
            for _ in 0..ticks {
                let woken = at;
                at += Duration::from_millis(20);
                changes.extend(effort.worked(woken, woken + Duration::from_micros(percent * 200)));
            }
            changes
        };
        assert_eq!(run(60, 100), [], "neither busy nor at rest");
        assert_eq!(run(90, 200), [2, 1, 0], "a step in half a second, and none below zero");
        assert_eq!(run(60, 100), []);
        assert_eq!(run(20, 200), [1, 2, 3], "and not beyond what was asked for");
    }
}
