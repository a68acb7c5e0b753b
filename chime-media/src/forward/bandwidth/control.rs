//! The rate that is tried: up while nothing speaks against it, down to less than what arrives when queues grow.

use std::time::{Duration, Instant};

use super::detector::Usage;
use super::scaled;

/// Share of what arrives that is tried when queues grow, so that they drain.
const DOWN: f64 = 0.85;
/// Growth in a second, far from where the path was full last.
const UP: f64 = 0.08;
/// Growth in a second near it, in bit/s: a packet in each fifth of a second.
const NEAR: f64 = 48_000.0;
/// The estimate may be so much above what arrives, and bit/s on top.
const AHEAD: (f64, u64) = (1.2, 10_000);
/// Time until a lower rate shows in the delays.
const SHOWS: Duration = Duration::from_millis(300);
/// Loss that means a full path, or a bad one.
const LOSS: f64 = 0.10;
/// Loss that no path has by chance.
const HEAVY: f64 = 0.40;
/// Least rate, in bit/s.
pub(super) const LEAST: u64 = 50_000;
/// Highest rate.
pub(super) const MOST: u64 = 100_000_000;

#[derive(Clone, Debug)]
pub(super) struct Control {
    rate: u64,
    holds: bool,
    /// What arrived when the path was full: its mean, and how far it strays from it, in bit/s.
    full: Option<(f64, f64)>,
    updated: Option<Instant>,
    /// When the rate went down last.
    lowered: Option<Instant>,
}

impl Control {
    pub(super) const fn new(rate: u64) -> Self {
        Self { rate, holds: false, full: None, updated: None, lowered: None }
    }

    pub(super) const fn rate(&self) -> u64 {
        self.rate
    }

    /// A probe has shown that the path carries this.
    pub(super) fn raise(&mut self, to: u64) {
        if to > self.rate {
            self.rate = to.min(MOST);
            if self.full.is_some_and(|(mean, stray)| f64_of(to) > mean + 3.0 * stray) {
                self.full = None;
            }
        }
    }

    pub(super) fn usage(&mut self, now: Instant, usage: Usage, acked: Option<u64>) {
        let elapsed = self.updated.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64().min(1.0));
        self.updated = Some(now);
        match usage {
            Usage::Over => {
                let Some(acked) = acked else { return };
                self.holds = true;
                // What was changed last has to show first.
                if self.lowered.is_some_and(|at| now.saturating_duration_since(at) < SHOWS) {
                    return;
                }
                self.note_full(f64_of(acked));
                let tried = scaled(acked, DOWN).max(LEAST);
                if tried < self.rate {
                    self.rate = tried;
                    self.lowered = Some(now);
                }
            }
            // Queues are to be empty before more is tried.
            Usage::Under => self.holds = true,
            Usage::Normal if self.holds => self.holds = false,
            Usage::Normal => self.grow(elapsed, acked),
        }
    }

    fn grow(&mut self, elapsed: f64, acked: Option<u64>) {
        let Some(acked) = acked else { return };
        let near = self.full.is_some_and(|(mean, stray)| (f64_of(acked) - mean).abs() <= 3.0 * stray);
        if !near && self.full.is_some_and(|(mean, stray)| f64_of(acked) > mean + 3.0 * stray) {
            self.full = None;
        }
        let more =
            if near { NEAR * elapsed } else { (f64_of(self.rate) * UP * elapsed).max(1000.0 * elapsed) };
        let grown = self.rate.saturating_add(scaled(1, more));
        let bound = scaled(acked, AHEAD.0).saturating_add(AHEAD.1);
        self.rate = grown.min(bound.max(self.rate)).min(MOST);
    }

    /// Loss of packets, as a fraction. With `acked` it is by chance: the path carries that much for all its losses.
    pub(super) fn loss(&mut self, now: Instant, fraction: f64, acked: Option<u64>) {
        if fraction > LOSS {
            // What was sent is tried a little below; unless so much is lost that only what arrives can be right.
            let share = if fraction > HEAVY { 1.0 } else { 0.97 / (1.0 - fraction) };
            let floor = acked.map_or(LEAST, |acked| scaled(acked, share).max(LEAST));
            let lower = scaled(self.rate, 1.0 - 0.5 * fraction).max(floor);
            let shown = self.lowered.is_none_or(|at| now.saturating_duration_since(at) >= SHOWS);
            if lower < self.rate && shown {
                self.rate = lower;
                self.lowered = Some(now);
            }
        }
    }

    fn note_full(&mut self, acked: f64) {
        let (mean, stray) = self.full.unwrap_or((acked, acked * 0.1));
        let mean = 0.95 * mean + 0.05 * acked;
        let stray = (0.95 * stray + 0.05 * (acked - mean).abs()).clamp(0.02 * mean, 0.15 * mean);
        self.full = Some((mean, stray));
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
fn f64_of(rate: u64) -> f64 {
    rate as f64
}
