//! How long to leave a sink alone that failed.

use std::time::Duration;

use chime_domain::ports::Entropy;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

/// Pauses that double up to a minute, each shortened at random by up to half, so that many who failed at once do not
/// come back at once.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    failures: u32,
}

impl Pauses {
    /// Something went well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// True until the first failure after something went well.
    pub(super) fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// The pause after one more failure.
    pub(super) fn next(&mut self, entropy: &dyn Entropy) -> Duration {
        let whole = FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(16))).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let mut random = [0; 2];
        entropy.fill(&mut random);
        whole.mul_f64(1.0 - f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use chime_adapters::SystemEntropy;

    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_begin_again_after_a_success() {
        let mut pauses = Pauses::default();
        let taken: Vec<_> = (0..20).map(|_| pauses.next(&SystemEntropy)).collect();
        assert!(taken[0] <= FIRST && taken[0] >= FIRST / 2);
        assert!(taken[19] <= LONGEST && taken[19] >= LONGEST / 2);
        pauses.reset();
        assert!(pauses.is_fresh() && pauses.next(&SystemEntropy) <= FIRST);
    }
}
