//! Which packets of a source are missing, and when to ask for them (RFC 4585 section 6.2.1).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a packet may be late before it is asked for: most that come out of order come within this.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long an answer may take before it is asked for again.
const AGAIN: Duration = Duration::from_millis(80);
/// How often a packet is asked for.
const ATTEMPTS: u8 = 5;
/// More missing packets than this are not asked for: a key frame is cheaper.
const MOST: usize = 128;

/// Missing packets of one source.
#[derive(Debug, Default)]
pub struct Missing {
    newest: Option<u64>,
    missing: BTreeMap<u64, (Instant, u8)>,
}

impl Missing {
    /// Notes a packet. Tells whether so much is missing that only a key frame helps.
    pub fn arrived(&mut self, now: Instant, index: u64) -> bool {
        let Some(newest) = self.newest else {
            self.newest = Some(index);
            return false;
        };
        self.missing.remove(&index);
        if index <= newest {
            return false;
        }
        self.newest = Some(index);
        let gap = index - newest - 1;
        if gap > MOST as u64 || self.missing.len() > MOST {
            self.missing.clear();
            return true;
        }
        self.missing.extend((newest + 1..index).map(|index| (index, (now + PATIENCE, 0))));
        false
    }

    /// Adds the packets to ask for now to `out`; forgets those that were asked for often enough.
    pub fn due(&mut self, now: Instant, out: &mut Vec<u64>) {
        self.missing.retain(|index, (when, attempts)| {
            if now < *when {
                return true;
            }
            if *attempts >= ATTEMPTS {
                return false;
            }
            (*when, *attempts) = (now + AGAIN, *attempts + 1);
            out.push(*index);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for_until_it_comes() {
        let start = crate::testing::start();
        let mut missing = Missing::default();
        let due = |missing: &mut Missing, millis| {
            let mut out = Vec::new();
            missing.due(start + Duration::from_millis(millis), &mut out);
            out
        };
        for index in [10, 11, 14] {
            assert!(!missing.arrived(start, index));
        }
        assert!(due(&mut missing, 5).is_empty(), "it may only be late");
        assert_eq!(due(&mut missing, 10), [12, 13]);
        assert!(!missing.arrived(start, 12));
        assert_eq!(due(&mut missing, 90), [13]);
        let later: usize = (1..20).map(|step| due(&mut missing, 90 + step * 80).len()).sum();
        assert_eq!((later, missing.missing.len()), (3, 0), "five times, not for ever");
        assert!(missing.arrived(start, 1_000), "so much is not asked for");
        assert!(missing.missing.is_empty());
    }
}
