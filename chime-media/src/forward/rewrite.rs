//! Numbers of a forwarded video: what a receiver sees is one source, whichever encoding it comes from.
//!
//! # Our choices
//!
//! - Gaps in what arrives stay gaps, so that receivers ask for what is missing and get what came late.
//! - After a change of encodings nothing of the old one is sent any more, late packets included.

use std::time::Instant;

use crate::rtp::sequence::low;

/// The clock of video, in Hz.
const CLOCK: u64 = 90_000;

/// Numbers that a packet goes out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Sequence number with its roll-overs.
    pub index: u64,
    /// Timestamp, in units of 1/90000 s.
    pub timestamp: u32,
    /// Added to VP8's picture numbers.
    pub picture: u16,
    /// Added to VP8's numbers of the lowest layer.
    pub base: u8,
}

/// The numbers of one receiver of one source.
#[derive(Clone, Debug)]
pub struct Rewriter {
    /// Highest number sent so far, one below the first.
    newest: u64,
    /// The last timestamp sent, and when.
    last: Option<(u32, Instant)>,
    /// Numbers of pictures sent last.
    pictures: (u16, u8),
    current: Option<Offsets>,
}

/// What is added to the numbers of the current encoding.
#[derive(Clone, Copy, Debug)]
struct Offsets {
    /// First packet of the encoding that was sent.
    first: u64,
    /// What that one became.
    start: u64,
    timestamp: u32,
    picture: u16,
    base: u8,
}

/// Numbers of VP8 that a packet came with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Number of the picture.
    pub picture: u16,
    /// Number of the last picture of the lowest layer.
    pub base: u8,
}

impl Rewriter {
    /// Begins behind `start`, which a random number should be. The highest bit of it is left out: receivers take the first
    /// packet for one of the first round, and one that is lost just before a wrap would lead them astray (RFC 3711 section
    /// 3.3.1).
    #[must_use]
    pub const fn new(start: u16) -> Self {
        Self { newest: (start & 0x7fff) as u64, last: None, pictures: (0, 0), current: None }
    }

    /// The next packet to be sent is the first of another encoding, and begins a key frame.
    pub fn switch(&mut self) {
        self.current = None;
    }

    /// Numbers for a packet of the current encoding; `None` for one from before the switch.
    pub fn next(&mut self, now: Instant, index: u64, timestamp: u32, pictures: Pictures) -> Option<Numbers> {
        let offsets = match self.current {
            Some(offsets) => offsets,
            None => self.begin(now, index, timestamp, pictures),
        };
        let numbers = Numbers {
            index: offsets.start + index.checked_sub(offsets.first)?,
            timestamp: timestamp.wrapping_add(offsets.timestamp),
            picture: offsets.picture,
            base: offsets.base,
        };
        if numbers.index > self.newest {
            self.newest = numbers.index;
            self.last = Some((numbers.timestamp, now));
            self.pictures = (
                pictures.picture.wrapping_add(offsets.picture) & 0x7fff,
                pictures.base.wrapping_add(offsets.base),
            );
        }
        Some(numbers)
    }

    fn begin(&mut self, now: Instant, index: u64, timestamp: u32, pictures: Pictures) -> Offsets {
        let moved = match self.last {
            // Time went on for the receiver as it did for us, by one unit at least.
            Some((last, at)) => {
                let elapsed = now.saturating_duration_since(at).as_micros();
                let units = u64::try_from(elapsed).unwrap_or_default() * CLOCK / 1_000_000;
                last.wrapping_add(u32::try_from(units.max(1)).unwrap_or(u32::MAX)).wrapping_sub(timestamp)
            }
            None => 0,
        };
        let (picture, base) = match self.last {
            Some(_) => (
                self.pictures.0.wrapping_add(1).wrapping_sub(pictures.picture),
                self.pictures.1.wrapping_add(1).wrapping_sub(pictures.base),
            ),
            None => (0, 0),
        };
        let offsets = Offsets { first: index, start: self.newest + 1, timestamp: moved, picture, base };
        self.current = Some(offsets);
        offsets
    }

    /// Numbers for a packet of the current encoding that was sent before.
    #[must_use]
    pub fn again(&self, index: u64, timestamp: u32) -> Option<Numbers> {
        let offsets = self.current?;
        Some(Numbers {
            index: offsets.start + index.checked_sub(offsets.first)?,
            timestamp: timestamp.wrapping_add(offsets.timestamp),
            picture: offsets.picture,
            base: offsets.base,
        })
    }

    /// The number a packet of the current encoding was sent with, turned back; `None` for one of an older encoding.
    #[must_use]
    pub fn original(&self, index: u64) -> Option<u64> {
        let offsets = self.current?;
        Some(offsets.first + index.checked_sub(offsets.start)?)
    }

    /// The newest number that was sent.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// The same as 16 bits.
    #[must_use]
    pub const fn newest_sequence(&self) -> u16 {
        low(self.newest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_switch_goes_on_in_numbers_and_time() {
        let start = crate::testing::start();
        let mut rewriter = Rewriter::new(100);
        let first = rewriter.next(start, 5_000, 90_000, Pictures { picture: 40, base: 3 }).unwrap();
        assert_eq!((low(first.index), first.timestamp, first.picture, first.base), (101, 90_000, 0, 0));
        let later = rewriter.next(start, 5_002, 93_000, Pictures { picture: 41, base: 4 }).unwrap();
        assert_eq!(low(later.index), 103, "a gap stays a gap");
        assert_eq!(low(rewriter.next(start, 5_001, 93_000, Pictures::default()).unwrap().index), 102);

        rewriter.switch();
        let moment = start + Duration::from_millis(20);
        let other = rewriter.next(moment, 77, 1_000, Pictures { picture: 7, base: 200 }).unwrap();
        assert_eq!((low(other.index), other.timestamp), (104, 93_000 + 1_800));
        assert_eq!(7_u16.wrapping_add(other.picture) & 0x7fff, 42);
        assert_eq!(200_u8.wrapping_add(other.base), 5);
        assert_eq!(
            rewriter.next(moment, 76, 1_000, Pictures::default()),
            None,
            "late, of before the key frame"
        );
        assert_eq!(rewriter.original(other.index), Some(77));
    }

    proptest! {
        /// Over any switches a receiver sees every number at most once, and the newest never goes back.
        #[test]
        fn no_number_is_used_twice(steps in prop::collection::vec((any::<bool>(), 0_u64..6, 0_u64..40), 1..200)) {
            let start = crate::testing::start();
            let mut rewriter = Rewriter::new(32_000);
            let (mut layer, mut at, mut seen) = (0_u64, 1_000_u64, std::collections::HashSet::new());
            let mut given = std::collections::HashSet::new();
            for (switch, step, millis) in steps {
                if switch {
                    layer += 1;
                    at = 10_000 * layer;
                    rewriter.switch();
                    seen.clear();
                }
                at += step;
                let now = start + Duration::from_millis(millis * (layer + 1));
                if !seen.insert(at) {
                    continue;
                }
                let before = rewriter.newest();
                if let Some(numbers) = rewriter.next(now, at, 0, Pictures::default()) {
                    prop_assert!(given.insert(numbers.index));
                    prop_assert_eq!(rewriter.original(numbers.index), Some(at));
                }
                prop_assert!(rewriter.newest() >= before);
            }
        }
    }
}
