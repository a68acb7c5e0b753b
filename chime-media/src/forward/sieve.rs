//! Which layers of an encoding one receiver gets: a frame is passed on whole, or left out whole.
//!
//! # Our choices
//!
//! - Going down begins with a picture. Going up begins where the decoder can follow: one temporal layer at a time at a
//!   picture of VP8 that builds upon the base alone (Y), all of them behind a switching-up point of VP9 (U), all of both at
//!   a key frame.
//! - A spatial layer begins in a picture in which neither it nor a layer below builds upon earlier pictures: otherwise the
//!   last packet below would have been marked as the end of the picture before the next layer is known. So most often it
//!   takes a key frame, which is asked for. For temporal layers one is asked for when they have waited for long.
//! - What is lower than the highest layer that a receiver gets is sent to it, also when the highest one could do without
//!   (`L3T3_KEY` between key frames): it costs little, and going down needs no key frame.
//! - Packets that come late are judged by what was sent then.

use super::part::{Part, Up};

/// Changes of the level that late packets are judged by.
const CHANGES: usize = 4;
/// Pictures that may be left out, though wanted, before a key frame is worth its price.
const PATIENCE: u16 = 60;
/// Key frames that are tried for a spatial layer: an encoder with which it does not begin there is not asked for ever.
const TRIES: u8 = 3;

/// The highest layers that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The highest spatial layer.
    pub spatial: u8,
    /// The highest temporal layer.
    pub temporal: u8,
}

impl Level {
    /// The whole encoding.
    pub const ALL: Self = Self { spatial: u8::MAX, temporal: u8::MAX };

    fn min(self, other: Self) -> Self {
        Self { spatial: self.spatial.min(other.spatial), temporal: self.temporal.min(other.temporal) }
    }

    /// Whether all that `other` has is in it.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        self.spatial >= other.spatial && self.temporal >= other.temporal
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on; if so told, as the last one of its picture.
    Pass {
        /// Nothing of the picture goes on behind it.
        last: bool,
    },
    /// It is left out.
    LeaveOut,
}

/// The layers of one encoding that one receiver gets.
#[derive(Clone, Debug)]
pub struct Sieve {
    target: Level,
    /// What it was when the newest picture began.
    aimed: Level,
    /// The newest picture's timestamp, with roll-overs.
    newest: Option<u64>,
    /// Levels, and the pictures they are in force from; the latest first.
    levels: [(u64, Level); CHANGES],
    /// What passed of the newest picture builds upon no earlier one.
    fresh: bool,
    /// A spatial layer that is wanted was left out.
    lacks_spatial: bool,
    /// Key frames that have come without it.
    tries: u8,
    /// Pictures that were left out though wanted.
    lacking: u16,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            target: Level::ALL,
            aimed: Level::ALL,
            newest: None,
            levels: [(0, Level::ALL); CHANGES],
            fresh: true,
            lacks_spatial: false,
            tries: 0,
            lacking: 0,
        }
    }
}

impl Sieve {
    /// The level to go to.
    pub fn aim(&mut self, target: Level) {
        if self.target != target {
            (self.target, self.lacks_spatial, self.tries, self.lacking) = (target, false, 0, 0);
        }
    }

    /// The level that it goes to.
    #[must_use]
    pub const fn target(&self) -> Level {
        self.target
    }

    /// The next packet begins a key frame of another encoding.
    pub fn restart(&mut self) {
        *self = Self { target: self.target, ..Self::default() };
    }

    /// Whether going up takes a key frame.
    #[must_use]
    pub const fn needs_keyframe(&self) -> bool {
        (self.lacks_spatial && self.tries < TRIES) || self.lacking > PATIENCE
    }

    /// Judges a packet. All packets of a picture have its timestamp.
    pub fn sift(&mut self, timestamp: u32, part: &Part) -> Verdict {
        let Some(newest) = self.newest else {
            // Far enough from zero for what comes late.
            let picture = 1 << 32 | u64::from(timestamp);
            (self.newest, self.aimed) = (Some(picture), self.target);
            self.levels = [(picture, self.target); CHANGES];
            return self.judge(picture, part);
        };
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is sent")]
        let step = timestamp.wrapping_sub(newest as u32).cast_signed();
        let picture = newest.saturating_add_signed(i64::from(step));
        if picture > newest {
            (self.newest, self.aimed, self.fresh) = (Some(picture), self.target, true);
        }
        if picture >= newest {
            self.follow(picture, picture > newest, part);
        }
        self.judge(picture, part)
    }

    /// Changes the level where the newest picture allows it.
    fn follow(&mut self, picture: u64, first: bool, part: &Part) {
        let before = self.level(picture).unwrap_or(Level::ALL);
        let target = self.aimed;
        let mut level = if first { before.min(target) } else { before };
        match part.up {
            _ if !part.predicted && part.spatial == 0 => level.temporal = target.temporal,
            Up::Own
                if part.temporal <= target.temporal
                    && part.temporal.checked_sub(1) == Some(level.temporal) =>
            {
                level.temporal = part.temporal;
            }
            Up::Above if part.temporal <= level.temporal => level.temporal = target.temporal,
            _ => {}
        }
        if first && !part.predicted && self.lacks_spatial {
            self.tries = self.tries.saturating_add(1);
        }
        let next = part.spatial.checked_sub(1) == Some(level.spatial) && part.spatial <= target.spatial;
        if next && !part.predicted && self.fresh {
            (level.spatial, self.lacks_spatial, self.tries) = (part.spatial, false, 0);
        }
        if part.spatial <= level.spatial {
            self.fresh &= !part.predicted;
        }
        if level != before {
            self.lacking = 0;
            if self.levels.first().is_none_or(|(since, _)| *since != picture) {
                self.levels.rotate_right(1);
            }
            if let Some(latest) = self.levels.first_mut() {
                *latest = (picture, level);
            }
        }
        let wanted = part.spatial <= target.spatial && part.temporal <= target.temporal;
        self.lacks_spatial |= wanted && part.spatial > level.spatial;
        if first && wanted && part.temporal > level.temporal {
            self.lacking = self.lacking.saturating_add(1);
        }
    }

    /// The level of a picture; `None` for one from before what is known.
    fn level(&self, picture: u64) -> Option<Level> {
        self.levels.iter().find(|(since, _)| *since <= picture).map(|(_, level)| *level)
    }

    fn judge(&self, picture: u64, part: &Part) -> Verdict {
        let Some(level) = self.level(picture) else { return Verdict::LeaveOut };
        if part.spatial > level.spatial || part.temporal > level.temporal {
            return Verdict::LeaveOut;
        }
        // Above a layer that is not predicted the next one may begin.
        let fresh = self.newest == Some(picture) && self.fresh;
        let rises = fresh && !part.predicted && self.aimed.spatial > level.spatial;
        Verdict::Pass { last: part.ends && part.spatial == level.spatial && !rises }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u8 = u8::MAX;

    /// Pictures in their order: number, spatial and temporal layer, predicted, where more begins; and whether it goes on.
    fn check(from: Level, to: Level, pictures: &[(u32, u8, u8, bool, Up, bool)]) -> Sieve {
        let mut sieve = Sieve::default();
        sieve.aim(from);
        sieve.restart();
        let key = Part { spatial: 0, temporal: 0, predicted: false, ends: false, up: Up::No };
        assert_eq!(sieve.sift(0, &key), Verdict::Pass { last: false });
        sieve.aim(to);
        for each in pictures {
            let (number, spatial, temporal, predicted, up, passes) = *each;
            let part = Part { spatial, temporal, predicted, ends: false, up };
            let verdict = sieve.sift(number * 3000, &part);
            assert_eq!(verdict != Verdict::LeaveOut, passes, "{each:?}");
        }
        sieve
    }

    #[test]
    fn more_begins_where_a_decoder_can_follow() {
        let base = Level { spatial: MAX, temporal: 0 };
        let small = Level { spatial: 0, temporal: MAX };
        // VP8: one temporal layer at a time.
        let sieve = check(
            base,
            Level::ALL,
            &[
                (1, 0, 2, true, Up::Own, false),
                (2, 0, 1, true, Up::No, false),
                (3, 0, 0, true, Up::No, true),
                (4, 0, 1, true, Up::Own, true),
                (5, 0, 2, true, Up::No, false),
                (6, 0, 2, true, Up::Own, true),
                (7, 0, 1, true, Up::No, true),
                (8, 0, 2, true, Up::No, true),
            ],
        );
        assert!(!sieve.needs_keyframe());
        // VP9: all behind the point; not at one above what goes on.
        let _ = check(
            base,
            Level::ALL,
            &[
                (1, 0, 1, true, Up::Above, false),
                (2, 0, 2, true, Up::No, false),
                (3, 0, 0, true, Up::Above, true),
                (4, 0, 2, true, Up::No, true),
                (5, 0, 1, true, Up::No, true),
            ],
        );
        // A spatial layer in a picture that is not predicted, and not where only the upper one is not.
        let pictures = [
            (1, 0, 0, true, Up::No, true),
            (1, 1, 0, true, Up::No, false),
            (2, 0, 0, true, Up::No, true),
            (2, 1, 0, false, Up::No, false),
        ];
        assert!(check(small, Level::ALL, &pictures).needs_keyframe());
        assert!(!check(small, small, &pictures).needs_keyframe(), "nobody wants more");
        let pictures = [
            (3, 0, 0, false, Up::No, true),
            (3, 1, 0, false, Up::No, true),
            (3, 2, 0, false, Up::No, true),
            (4, 2, 0, true, Up::No, true),
            (2, 1, 0, true, Up::No, false),
        ];
        assert!(!check(small, Level::ALL, &pictures).needs_keyframe());
        let mut pictures = vec![(1, 1, 0, true, Up::No, false)];
        for number in 2..=4 {
            assert!(check(small, Level::ALL, &pictures).needs_keyframe());
            pictures.extend([(number, 0, 0, false, Up::No, true), (number, 1, 0, true, Up::No, false)]);
        }
        assert!(!check(small, Level::ALL, &pictures).needs_keyframe(), "it was tried often enough");
    }

    #[test]
    fn going_down_waits_for_the_next_picture() {
        let mut sieve = Sieve::default();
        let part = |temporal| Part { spatial: 0, temporal, predicted: true, ends: false, up: Up::No };
        let passes =
            |sieve: &mut Sieve, number, temporal| sieve.sift(number, &part(temporal)) != Verdict::LeaveOut;
        assert!(passes(&mut sieve, 100, 0) && passes(&mut sieve, 200, 2));
        sieve.aim(Level { spatial: MAX, temporal: 0 });
        assert!(passes(&mut sieve, 200, 2), "the rest of it");
        assert!(!passes(&mut sieve, 300, 2) && passes(&mut sieve, 400, 0));
        assert!(passes(&mut sieve, 200, 2), "late, of before");
        assert!(!passes(&mut sieve, 50, 0), "of before the first");
        sieve.aim(Level::ALL);
        let needs: Vec<bool> = (0..70)
            .map(|number| {
                assert!(!passes(&mut sieve, 1000 + number, 2));
                sieve.needs_keyframe()
            })
            .collect();
        assert!(!needs[59] && needs[60], "it was waited for long enough");
    }

    #[test]
    fn the_end_of_a_picture_is_that_of_its_highest_layer_that_goes_on() {
        let mut sieve = Sieve::default();
        sieve.aim(Level { spatial: 1, temporal: MAX });
        let part = |spatial, predicted| Part { spatial, temporal: 0, predicted, ends: true, up: Up::No };
        let pass = |last| Verdict::Pass { last };
        for (timestamp, predicted) in [(0, false), (3000, true)] {
            assert_eq!(sieve.sift(timestamp, &part(0, predicted)), pass(false));
            assert_eq!(sieve.sift(timestamp, &part(1, predicted)), pass(true));
            assert_eq!(sieve.sift(timestamp, &part(2, predicted)), Verdict::LeaveOut);
        }
        sieve.aim(Level::ALL);
        assert_eq!(sieve.sift(6000, &part(0, false)), pass(false));
        assert_eq!(sieve.sift(6000, &part(1, false)), pass(false), "the next layer begins here");
        assert_eq!(sieve.sift(6000, &part(2, false)), pass(false), "the sender marks it");
    }
}
