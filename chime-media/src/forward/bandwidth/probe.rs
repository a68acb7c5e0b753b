//! Bursts that show whether a path carries more than is sent.

use std::time::{Duration, Instant};

use super::{Fate, rate, scaled};

/// How long a burst lasts.
const LASTS: Duration = Duration::from_millis(100);
/// What comes after a burst is left out of the delays for so long: its queue drains.
const AFTER: Duration = Duration::from_millis(300);
/// How long its feedback is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How much above the estimate is tried: after a failure, and after a success.
const STEPS: (f64, f64) = (1.5, 2.0);
/// Time to the next burst after a success, and after failures: it doubles from the first to the second.
const PAUSES: (Duration, Duration, Duration) =
    (Duration::from_millis(250), Duration::from_secs(2), Duration::from_secs(8));
/// Share of what was sent in a time that has to arrive in as much time.
const ENOUGH: f64 = 0.85;
/// Share of a burst's rate that is believed.
const BELIEVED: f64 = 0.9;

/// A burst under way, or waiting for feedback.
#[derive(Clone, Debug)]
struct Burst {
    begun: Instant,
    /// In bit/s, what is sent anyway left out.
    rate: u64,
    padded: u64,
    /// The first and the last packet: number, and when it was sent.
    first: Option<(u64, Instant)>,
    last: Option<(u64, Instant)>,
    /// Of the packets between them: octets, those of the first left out; arrivals of the first and the last; how many.
    octets: usize,
    arrived: Option<(Duration, Duration)>,
    came: u64,
}

/// What a burst has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// The path carries this, in bit/s.
    Carries(u64),
    /// It carries no more than the estimate.
    NoMore,
}

#[derive(Clone, Debug)]
pub(super) struct Probe {
    burst: Option<Burst>,
    next: Option<Instant>,
    pause: Duration,
    step: f64,
    quiet: Option<Instant>,
}

impl Default for Probe {
    fn default() -> Self {
        Self { burst: None, next: None, pause: PAUSES.1, step: STEPS.0, quiet: None }
    }
}

impl Probe {
    /// Whether the delays of what was sent at this time say nothing.
    pub(super) fn disturbs(&self, sent: Instant) -> bool {
        let burst = self.burst.as_ref().is_some_and(|burst| sent >= burst.begun);
        burst || self.quiet.is_some_and(|until| sent < until)
    }

    /// No burst before this time has passed: the path has just shown that it is full.
    pub(super) fn calm(&mut self, now: Instant) {
        let next = now + self.pause;
        self.next = Some(self.next.map_or(next, |at| at.max(next)));
    }

    /// Octets of padding to send now, when `wanted` bit/s are, `estimate` are thought to pass, and `acked` arrive.
    pub(super) fn padding(&mut self, now: Instant, wanted: u64, estimate: u64, acked: u64) -> usize {
        if let Some(burst) = &mut self.burst {
            let elapsed = now.saturating_duration_since(burst.begun);
            if elapsed > LASTS + PATIENCE {
                self.burst = None;
                self.failed(now);
                return 0;
            }
            if elapsed > LASTS {
                return 0;
            }
            let due = scaled(burst.rate / 8, elapsed.as_secs_f64());
            return usize::try_from(due.saturating_sub(burst.padded)).unwrap_or_default();
        }
        if wanted <= estimate || *self.next.get_or_insert(now) > now {
            return 0;
        }
        let goal = scaled(estimate, self.step).min(scaled(wanted, 1.25)).max(scaled(estimate, 1.1));
        let (rate, begun) = (goal.saturating_sub(acked.min(estimate)), now);
        self.burst = Some(Burst {
            begun,
            rate,
            padded: 0,
            first: None,
            last: None,
            octets: 0,
            arrived: None,
            came: 0,
        });
        0
    }

    /// So many octets of padding were sent: packets are larger than what was due.
    pub(super) fn padded(&mut self, octets: usize) {
        if let Some(burst) = &mut self.burst {
            burst.padded = burst.padded.saturating_add(u64::try_from(octets).unwrap_or_default());
        }
    }

    /// A packet was sent, which may be one of a burst.
    pub(super) fn sent(&mut self, now: Instant, index: u64) {
        let Some(burst) = &mut self.burst else { return };
        if now.saturating_duration_since(burst.begun) <= LASTS {
            burst.first.get_or_insert((index, now));
            burst.last = Some((index, now));
        }
    }

    /// Takes what became of a packet; tells what the burst has shown when it was the last one of it.
    pub(super) fn fate(&mut self, now: Instant, fate: &Fate) -> Option<Shown> {
        let burst = self.burst.as_mut()?;
        let ((first, begun), (last, ended)) = (burst.first?, burst.last?);
        if now.saturating_duration_since(burst.begun) <= LASTS || fate.index < first {
            // The burst goes on; what arrived of it already is not lost, only counted too late to matter.
            if fate.index >= first {
                burst.note(fate);
            }
            return None;
        }
        if fate.index <= last {
            burst.note(fate);
        }
        if fate.index < last {
            return None;
        }
        let (octets, came, arrived) = (burst.octets, burst.came, burst.arrived);
        let sent = rate(octets, ended.saturating_duration_since(begun));
        let enough = came * 10 >= (last - first + 1) * 8 && came >= 5;
        self.burst = None;
        self.quiet = Some(ended + AFTER);
        let received = arrived.filter(|_| enough).map(|(from, to)| rate(octets, to.saturating_sub(from)));
        match received {
            Some(received) if received >= scaled(sent, ENOUGH) => {
                (self.pause, self.step) = (PAUSES.1, STEPS.1);
                self.next = Some(now + PAUSES.0);
                Some(Shown::Carries(scaled(sent.min(received), BELIEVED)))
            }
            _ => {
                self.failed(now);
                Some(Shown::NoMore)
            }
        }
    }

    fn failed(&mut self, now: Instant) {
        self.step = STEPS.0;
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSES.2);
    }
}

impl Burst {
    fn note(&mut self, fate: &Fate) {
        let Some(at) = fate.arrived else { return };
        self.came += 1;
        match &mut self.arrived {
            None => self.arrived = Some((at, at)),
            Some((from, to)) => {
                (*from, *to) = ((*from).min(at), (*to).max(at));
                self.octets += fate.octets;
            }
        }
    }
}
