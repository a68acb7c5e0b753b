//! Whether delay grows: the slope of a line through the last delays.

use std::collections::VecDeque;
use std::time::Duration;

use super::groups::Step;
use super::millis;

/// Points that the line is laid through.
const WINDOW: usize = 20;
/// No path delays a group by so many milliseconds more than the one before.
const LEAP: f64 = 3000.0;
/// How much of the smoothed delay stays with each step.
const SMOOTHING: f64 = 0.9;

#[derive(Clone, Debug, Default)]
pub(super) struct Trend {
    steps: u32,
    first: Option<Duration>,
    delay: f64,
    smoothed: f64,
    points: VecDeque<(f64, f64)>,
}

impl Trend {
    /// Takes a step; gives the slope, in milliseconds of delay for each millisecond, once there are enough points.
    pub(super) fn step(&mut self, step: &Step) -> Option<f64> {
        // A clock that was set, or has wrapped, tells nothing about what was before.
        if (step.arrived - step.sent).abs() > LEAP {
            *self = Self::default();
            return None;
        }
        self.steps = self.steps.saturating_add(1);
        self.delay += step.arrived - step.sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        let first = *self.first.get_or_insert(step.at);
        self.points.push_back((millis(step.at.saturating_sub(first)), self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        (self.points.len() == WINDOW).then(|| slope(&self.points)).flatten()
    }

    /// Steps so far.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }
}

/// The slope of the line of least squares.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = f64::from(u32::try_from(points.len()).ok()?);
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), (x, y)| {
        (above + (x - mean_x) * (y - mean_y), below + (x - mean_x).powi(2))
    });
    (below > 0.0).then_some(above / below)
}
