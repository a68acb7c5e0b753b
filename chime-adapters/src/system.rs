//! Time and randomness of the operating system.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use chime_domain::ports::{Clock, Entropy};
use chime_domain::time::Timestamp;

/// Longest sleep before the clock is read again: it may have been set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The system clock. [`Clock::until`] needs a tokio runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the system clock is read")]
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => Timestamp::from_millis(0) + since,
            Err(before) => Timestamp::from_millis(0) - before.duration(),
        }
    }

    async fn until(&self, at: Timestamp) {
        loop {
            let left = at.millis().saturating_sub(self.now().millis());
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await;
        }
    }
}

/// The random generator of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // It fails only where the system is unusable. A predictable id or key would be worse than waiting for it.
        while getrandom::fill(bytes).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_clock::tests::run;

    chime_domain::clock_conformance!(run = run, async { SystemClock });

    #[test]
    fn two_fills_differ() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut other);
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }
}
