//! The estimate for one receiver.

use std::time::{Duration, Instant};

use super::Fate;
use super::acked::Acked;
use super::control::Control;
use super::detector::{Detector, Usage};
use super::groups::Groups;
use super::loss::Loss;
use super::probe::{Probe, Shown};
use super::queue::Queue;
use super::trend::Trend;

/// The estimate before anything is known, in bit/s.
pub const START: u64 = 2_500_000;

/// Waiting in a queue, in milliseconds, that is congestion whether it grows or not; and waiting with which loss is no
/// chance.
const FULL: (f64, f64) = (180.0, 60.0);

/// What a receiver's path carries of numbered packets.
#[derive(Clone, Debug)]
pub struct Estimator {
    groups: Groups,
    trend: Trend,
    detector: Detector,
    acked: Acked,
    loss: Loss,
    queue: Queue,
    control: Control,
    probe: Probe,
    wanted: u64,
    heard: bool,
}

impl Default for Estimator {
    fn default() -> Self {
        Self {
            groups: Groups::default(),
            trend: Trend::default(),
            detector: Detector::default(),
            acked: Acked::default(),
            loss: Loss::default(),
            queue: Queue::default(),
            control: Control::new(START),
            probe: Probe::default(),
            wanted: 0,
            heard: false,
        }
    }
}

impl Estimator {
    /// The estimate, in bit/s.
    #[must_use]
    pub const fn rate(&self) -> u64 {
        self.control.rate()
    }

    /// Whether the receiver has ever told how packets arrive.
    #[must_use]
    pub const fn is_informed(&self) -> bool {
        self.heard
    }

    /// A numbered packet goes out.
    pub fn sent(&mut self, now: Instant, index: u64) {
        self.probe.sent(now, index);
    }

    /// Takes feedback, packets in the order of their numbers; tells whether the estimate went down.
    pub fn feedback(&mut self, now: Instant, fates: &[Fate]) -> bool {
        self.heard = true;
        let before = self.control.rate();
        let mut steps = false;
        self.queue.feedback(now, fates);
        for fate in fates {
            self.loss.packet(fate.arrived.is_none());
            if let Some(arrived) = fate.arrived {
                self.acked.packet(arrived, fate.octets);
            }
            match self.probe.fate(now, fate) {
                Some(Shown::Carries(rate)) => self.control.raise(rate),
                Some(Shown::NoMore) | None => {}
            }
            if self.probe.disturbs(fate.sent) {
                self.groups.forget();
            } else if let Some(step) = self.groups.packet(fate)
                && let Some(slope) = self.trend.step(&step)
            {
                self.detector.trend(now, slope, self.trend.steps());
                steps = true;
            }
        }
        let acked = self.acked.rate();
        if self.queue.waits() > FULL.0 {
            self.control.usage(now, Usage::Over, acked);
        } else if steps {
            self.control.usage(now, self.detector.usage(), acked);
        }
        if let Some(fraction) = self.loss.take(now) {
            let by_chance = self.queue.waits() < FULL.1;
            self.control.loss(now, fraction, acked.filter(|_| by_chance));
        }
        let lower = self.control.rate() < before;
        if lower {
            self.probe.calm(now);
        }
        lower
    }

    /// From a packet's departure to the feedback on it, as far as that is known.
    #[must_use]
    pub fn trip(&self) -> Option<Duration> {
        self.queue.trip()
    }

    /// So many octets of padding were sent.
    pub fn padded(&mut self, octets: usize) {
        self.probe.padded(octets);
    }

    /// How much would be sent if it passed, in bit/s.
    pub fn want(&mut self, wanted: u64) {
        self.wanted = wanted;
    }

    /// Octets to send now on top of everything, to find out what passes.
    pub fn padding(&mut self, now: Instant) -> usize {
        if !self.heard {
            return 0;
        }
        let (rate, acked) = (self.control.rate(), self.acked.rate().unwrap_or_default());
        self.probe.padding(now, self.wanted, rate, acked)
    }
}
