//! What a client may send before the rest is left out: more than any honest one does, and little enough that the others
//! notice nothing of it.

use std::time::Instant;

/// A bucket of tokens that fills at a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    tokens: f64,
    rate: f64,
    most: f64,
    at: Option<Instant>,
}

impl Allowance {
    /// A full bucket: tokens per second, and how many it holds.
    pub(super) const fn new(rate: f64, most: f64) -> Self {
        Self { tokens: most, rate, most, at: None }
    }

    /// Frames: one token each, and one for each KiB. An offer with 25 videos has about 143 KB.
    pub(super) const fn of_frames() -> Self {
        Self::new(400.0, 4000.0)
    }

    /// Octets of datagrams: 30 Mbit/s, and a second of that at once.
    pub(super) const fn of_datagrams() -> Self {
        Self::new(3_750_000.0, 3_750_000.0)
    }

    /// Takes tokens, if there are as many.
    pub(super) fn take(&mut self, now: Instant, tokens: usize) -> bool {
        let elapsed = self.at.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.at = self.at.max(Some(now));
        self.tokens = elapsed.mul_add(self.rate, self.tokens).min(self.most);
        let wanted = f64::from(u32::try_from(tokens).unwrap_or(u32::MAX));
        let enough = self.tokens >= wanted;
        if enough {
            self.tokens -= wanted;
        }
        enough
    }
}
