//! How many requests per second an operation serves, for each account.
//!
//! A token bucket of our own on the clock port, where `governor` was planned: the wall clock may be set back, which a
//! bucket kept as one far moment (as `governor`'s are) answers with refusals until the clock has caught up. This one
//! starts to count afresh from where the clock is.

use std::sync::{Mutex, PoisonError};

use chime_domain::time::Timestamp;

/// A rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second that can go on for ever; 0 throttles nothing.
    pub per_second: u32,
    /// Requests that may come at once after a pause.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 2000, burst: 4000 }
    }
}

/// A bucket for each operation. The server has one account, so that an operation's bucket is the account's.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate: Rate,
    buckets: Vec<Mutex<Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a request that may come now.
    millis: u64,
    last: Timestamp,
}

impl Throttle {
    pub(crate) fn new(rate: Rate, operations: usize) -> Self {
        let full = Bucket { millis: u64::from(rate.burst) * 1000, last: Timestamp::MIN };
        Self { rate, buckets: (0..operations).map(|_| Mutex::new(full)).collect() }
    }

    /// Takes one request of an operation, by its place in the table, or refuses it.
    pub(crate) fn admit(&self, operation: usize, now: Timestamp) -> bool {
        let Some(bucket) = self.buckets.get(operation) else { return true };
        if self.rate.per_second == 0 {
            return true;
        }
        // Nothing can panic while the lock is held.
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.millis().saturating_sub(bucket.last.millis());
        // A request per second is as many thousandths per millisecond.
        let gained = u64::try_from(passed).unwrap_or(0).saturating_mul(self.rate.per_second.into());
        bucket.last = now;
        bucket.millis = bucket.millis.saturating_add(gained).min(u64::from(self.rate.burst) * 1000);
        match bucket.millis.checked_sub(1000) {
            Some(left) => {
                bucket.millis = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(throttle: &Throttle, operation: usize, at: i64) -> usize {
        (0..100).take_while(|_| throttle.admit(operation, Timestamp::from_millis(at))).count()
    }

    #[test]
    fn a_burst_passes_then_the_rate() {
        let throttle = Throttle::new(Rate { per_second: 10, burst: 20 }, 2);
        assert_eq!(admitted(&throttle, 0, 0), 20);
        assert_eq!(admitted(&throttle, 0, 99), 0);
        assert_eq!(admitted(&throttle, 0, 100), 1);
        assert_eq!(admitted(&throttle, 0, 1100), 10);
        assert_eq!(admitted(&throttle, 0, 100_000), 20, "no more than the burst is saved up");
        assert_eq!(admitted(&throttle, 1, 0), 20, "operations do not share a bucket");
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_refill() {
        let throttle = Throttle::new(Rate { per_second: 10, burst: 20 }, 1);
        assert_eq!(admitted(&throttle, 0, 3_600_000), 20);
        assert_eq!(admitted(&throttle, 0, 0), 0);
        assert_eq!(admitted(&throttle, 0, 1000), 10);
    }

    #[test]
    fn a_rate_of_zero_throttles_nothing() {
        let throttle = Throttle::new(Rate { per_second: 0, burst: 0 }, 1);
        assert_eq!(admitted(&throttle, 0, 0), 100);
    }
}
