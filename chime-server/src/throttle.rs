//! How many requests per second an operation, or a group of them, serves, for each account.
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

/// A bucket for each operation, but for those that share one. The server has one account, so that every bucket is that
/// account's.
#[derive(Debug)]
pub(crate) struct Throttle {
    buckets: Vec<(Rate, Mutex<Bucket>)>,
    /// Which bucket each operation takes from.
    of: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Thousandths of a request that may come now.
    millis: u64,
    last: Timestamp,
}

impl Bucket {
    fn full(rate: Rate) -> Mutex<Self> {
        Mutex::new(Self { millis: u64::from(rate.burst) * 1000, last: Timestamp::MIN })
    }
}

impl Throttle {
    pub(crate) fn new(rate: Rate, operations: usize) -> Self {
        let buckets = (0..operations).map(|_| (rate, Bucket::full(rate))).collect();
        Self { buckets, of: (0..operations).collect() }
    }

    /// The same, with one bucket for some operations together.
    pub(crate) fn with_group(mut self, rate: Rate, operations: impl Iterator<Item = usize>) -> Self {
        let shared = self.buckets.len();
        self.buckets.push((rate, Bucket::full(rate)));
        for operation in operations {
            if let Some(of) = self.of.get_mut(operation) {
                *of = shared;
            }
        }
        self
    }

    /// Takes one request of an operation, by its place in the table, or refuses it.
    pub(crate) fn admit(&self, operation: usize, now: Timestamp) -> bool {
        let bucket = self.of.get(operation).and_then(|bucket| self.buckets.get(*bucket));
        let Some((rate, bucket)) = bucket else { return true };
        if rate.per_second == 0 {
            return true;
        }
        // Nothing can panic while the lock is held.
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.millis().saturating_sub(bucket.last.millis());
        // A request per second is as many thousandths per millisecond.
        let gained = u64::try_from(passed).unwrap_or(0).saturating_mul(rate.per_second.into());
        bucket.last = now;
        bucket.millis = bucket.millis.saturating_add(gained).min(u64::from(rate.burst) * 1000);
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
    fn qta_06_and_qta_07_a_group_shares_a_bucket_of_20_that_gets_10_a_second() {
        let throttle = Throttle::new(Rate { per_second: 100, burst: 90 }, 4);
        let throttle = throttle.with_group(Rate { per_second: 10, burst: 20 }, [1, 2].into_iter());
        assert_eq!((admitted(&throttle, 1, 0), admitted(&throttle, 2, 0)), (20, 0));
        assert_eq!((admitted(&throttle, 0, 0), admitted(&throttle, 3, 0)), (90, 90));
        assert_eq!((admitted(&throttle, 2, 500), admitted(&throttle, 1, 500)), (5, 0));
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
