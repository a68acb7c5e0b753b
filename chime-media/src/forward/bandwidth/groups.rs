//! Packets that were sent together, and how the time between two such groups changed on the way.

use std::time::{Duration, Instant};

use super::{Fate, millis};

/// Packets sent within this time are one group.
const TOGETHER: Duration = Duration::from_millis(5);

/// Two groups, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// Time between their departures, in milliseconds.
    pub(super) sent: f64,
    /// Time between their arrivals.
    pub(super) arrived: f64,
    /// When the second arrived, by the receiver's clock.
    pub(super) at: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first: Instant,
    last: Instant,
    arrived: Duration,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    before: Option<Group>,
    current: Option<Group>,
}

impl Groups {
    /// Takes an arrived packet; gives a step when it begins a third group.
    pub(super) fn packet(&mut self, fate: &Fate) -> Option<Step> {
        let arrived = fate.arrived?;
        let fresh = Group { first: fate.sent, last: fate.sent, arrived };
        let Some(current) = &mut self.current else {
            self.current = Some(fresh);
            return None;
        };
        if fate.sent.saturating_duration_since(current.first) <= TOGETHER {
            current.last = current.last.max(fate.sent);
            current.arrived = current.arrived.max(arrived);
            return None;
        }
        let (done, before) = (*current, self.before);
        (self.before, self.current) = (Some(done), Some(fresh));
        let before = before?;
        Some(Step {
            sent: millis(done.last.saturating_duration_since(before.last)),
            arrived: millis(done.arrived) - millis(before.arrived),
            at: done.arrived,
        })
    }

    /// What comes next has nothing to do with what was before.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}
