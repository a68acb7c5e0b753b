//! Whether a trend is more than noise. What counts as noise follows the trend slowly.

use std::time::{Duration, Instant};

use super::millis;

/// What the path does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    /// Queues drain.
    Under,
    #[default]
    Normal,
    /// Queues grow.
    Over,
}

/// Steps that count at most for how sure a trend is.
const SURE: u32 = 60;
/// Scales a slope to milliseconds.
const GAIN: f64 = 4.0;
/// How long a trend has to last.
const LASTING: Duration = Duration::from_millis(10);
/// Bounds of the threshold, and where it begins.
const THRESHOLD: (f64, f64, f64) = (6.0, 600.0, 12.5);
/// How fast the threshold rises to a trend above it, and falls to one below it, for each millisecond.
const PACE: (f64, f64) = (0.0087, 0.039);
/// A trend so far above the threshold is a spike, to which it is not fitted.
const SPIKE: f64 = 15.0;

#[derive(Clone, Debug)]
pub(super) struct Detector {
    threshold: f64,
    fitted: Option<Instant>,
    /// Since when the trend is above, and how often it was seen there.
    above: Option<(Instant, u32)>,
    before: f64,
    usage: Usage,
}

impl Default for Detector {
    fn default() -> Self {
        Self { threshold: THRESHOLD.2, fitted: None, above: None, before: 0.0, usage: Usage::Normal }
    }
}

impl Detector {
    /// Takes a slope after so many steps.
    pub(super) fn trend(&mut self, now: Instant, slope: f64, steps: u32) -> Usage {
        let trend = slope * f64::from(steps.min(SURE)) * GAIN;
        if trend > self.threshold {
            let (since, times) = self.above.map_or((now, 0), |(since, times)| (since, times + 1));
            self.above = Some((since, times));
            if now.saturating_duration_since(since) > LASTING && times > 1 && slope >= self.before {
                self.usage = Usage::Over;
            }
        } else {
            self.above = None;
            self.usage = if trend < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.before = slope;
        self.fit(now, trend.abs());
        self.usage
    }

    fn fit(&mut self, now: Instant, trend: f64) {
        let elapsed = self.fitted.map_or(0.0, |at| millis(now.saturating_duration_since(at)).min(100.0));
        self.fitted = Some(now);
        if trend <= self.threshold + SPIKE {
            let pace = if trend < self.threshold { PACE.1 } else { PACE.0 };
            self.threshold += pace * (trend - self.threshold) * elapsed;
            self.threshold = self.threshold.clamp(THRESHOLD.0, THRESHOLD.1);
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }
}
