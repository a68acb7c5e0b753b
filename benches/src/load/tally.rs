//! What was counted.

use anyhow::Result;
use hdrhistogram::Histogram;

/// Longest time that is told apart from longer ones, in microseconds.
const LONGEST: u64 = 120_000_000;

/// Times in microseconds, to three digits.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Times {
    /// No times yet.
    ///
    /// # Errors
    ///
    /// None but for a defect.
    pub fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_max(LONGEST, 3)?))
    }

    /// Adds a time.
    pub fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    /// Adds all times of another.
    ///
    /// # Errors
    ///
    /// None but for a defect.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    /// The time that a share of all does not exceed, in milliseconds.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1000.0
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }
}

/// What the members of a channel received.
#[derive(Clone, Debug)]
pub struct Tally {
    /// From sending a message until a member had read it.
    pub latency: Times,
    /// Messages received, by all members together.
    pub delivered: u64,
    /// Messages received a second time, or after a later one of the same sender.
    pub repeated: u64,
    /// Messages that were missing when a later one of the same sender came.
    pub missing: u64,
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Errors
    ///
    /// None but for a defect.
    pub fn new() -> Result<Self> {
        Ok(Self { latency: Times::new()?, delivered: 0, repeated: 0, missing: 0 })
    }
}
