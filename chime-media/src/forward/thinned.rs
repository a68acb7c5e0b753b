//! Numbers of which some are left out for a receiver, so that the others go on without gaps.
//!
//! What has not come when a higher number has is counted as one that goes on: its place is kept. If it turns out to be one
//! to leave out, that place has to be filled by something else, or the receiver would ask for it in vain.

/// How far back it is known what was left out: as far as packets are kept to be sent again.
const KNOWN: u64 = 256;

/// One bit for each of the last numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bits([u64; (KNOWN / 64) as usize]);

impl Bits {
    /// The bit of a number.
    #[must_use]
    pub fn get(&self, number: u64) -> bool {
        self.0.get(word(number)).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Changes the bit of a number, and with it that of the one 256 before.
    pub fn set(&mut self, number: u64, value: bool) {
        if let Some(word) = self.0.get_mut(word(number)) {
            *word = *word & !(1 << (number % 64)) | u64::from(value) << (number % 64);
        }
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

fn word(number: u64) -> usize {
    usize::try_from(number % KNOWN / 64).unwrap_or_default()
}

/// Which of the numbers that came are left out.
#[derive(Clone, Debug, Default)]
pub struct Thinned {
    /// The highest number so far, plus one.
    end: u64,
    /// Numbers that came.
    came: Bits,
    /// Of them, those that were left out.
    out: Bits,
    /// How many were left out over all.
    total: u64,
}

impl Thinned {
    /// Takes a number that goes on, and tells how many before it were left out; `None` for one that has come before, or is
    /// too old to tell.
    pub fn keep(&mut self, number: u64) -> Option<u64> {
        if number < self.end.saturating_sub(KNOWN) || self.has(number) {
            return None;
        }
        self.take(number);
        self.before(number)
    }

    /// Leaves a number out. When a higher one came first it has a place, which has to be filled: tells how many before it
    /// were left out.
    pub fn leave_out(&mut self, number: u64) -> Option<u64> {
        let late = number < self.end;
        let place = self.keep(number)?;
        if late {
            return Some(place);
        }
        self.out.set(number, true);
        self.total += 1;
        None
    }

    /// Takes numbers below `end` that did not come to be left out, from the highest that came on.
    pub fn leave_out_until(&mut self, end: u64) {
        for number in self.end..end.min(self.end.saturating_add(KNOWN)) {
            let _none = self.leave_out(number);
        }
    }

    /// How many before a number were left out; `None` if it was itself, or is too old to tell.
    #[must_use]
    pub fn before(&self, number: u64) -> Option<u64> {
        let oldest = self.end.saturating_sub(KNOWN);
        if number < oldest {
            return (self.total == self.out.count()).then_some(0);
        }
        if number >= self.end {
            return Some(self.total);
        }
        let since = (number..self.end).filter(|each| self.out.get(*each)).count();
        (!self.out.get(number)).then(|| self.total - u64::try_from(since).unwrap_or_default())
    }

    /// The number that is `place` when those that were left out are not counted.
    #[must_use]
    pub fn original(&self, place: u64) -> Option<u64> {
        let mut at = self.end.checked_sub(self.total).filter(|end| place < *end)?;
        for number in (self.end.saturating_sub(KNOWN)..self.end).rev().filter(|each| !self.out.get(*each)) {
            at -= 1;
            if at == place {
                return Some(number);
            }
        }
        (self.total == self.out.count()).then_some(place)
    }

    /// Whether no higher number has come, nor this one.
    #[must_use]
    pub const fn is_newest(&self, number: u64) -> bool {
        number >= self.end
    }

    /// Whether a number has come; of very old ones it is not known.
    /// Whether a number has come, as far as is known.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        number < self.end && number >= self.end.saturating_sub(KNOWN) && self.came.get(number)
    }

    fn take(&mut self, number: u64) {
        if number >= self.end {
            if number - self.end >= KNOWN {
                (self.came, self.out) = (Bits::default(), Bits::default());
            } else {
                for each in self.end..number {
                    self.came.set(each, false);
                    self.out.set(each, false);
                }
            }
            self.out.set(number, false);
            self.end = number + 1;
        } else if number < self.end.saturating_sub(KNOWN) {
            return;
        }
        self.came.set(number, true);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_that_was_kept_for_what_is_left_out_later_is_told() {
        let mut thinned = Thinned::default();
        assert_eq!(thinned.keep(1000), Some(0));
        assert_eq!(thinned.leave_out(1001), None);
        assert_eq!(thinned.keep(1003), Some(1), "1002 may still go on");
        assert_eq!(thinned.leave_out(1002), Some(1), "it does not: its place is to be filled");
        assert_eq!((thinned.leave_out(1002), thinned.keep(1003)), (None, None), "once");
        let originals = [1000, 1002, 1003].map(Some);
        assert_eq!([1000, 1001, 1002].map(|place| thinned.original(place)), originals);
        assert_eq!((thinned.original(1003), thinned.original(999)), (None, Some(999)));
        thinned.leave_out_until(1010);
        assert_eq!(thinned.keep(1010), Some(7));
        assert_eq!(thinned.keep(9000), Some(7));
        assert_eq!((thinned.before(1003), thinned.keep(8999)), (None, Some(7)), "too old to tell, and not");
        assert_eq!(
            (thinned.keep(9000 - KNOWN), thinned.keep(9001 - KNOWN)),
            (None, Some(7)),
            "it may have come before"
        );
    }

    #[test]
    fn what_is_too_old_to_tell_never_goes_on_also_if_nothing_was_left_out() {
        let mut thinned = Thinned::default();
        assert!((1000..2000).all(|number| thinned.keep(number) == Some(0)));
        assert!(
            (1000..2000).all(|number| thinned.keep(number).is_none() && thinned.leave_out(number).is_none())
        );
    }

    proptest! {
        /// Against a list of everything.
        #[test]
        fn what_goes_on_is_numbered_without_gaps(
            steps in prop::collection::vec((0_u64..3, any::<bool>()), 1..600),
        ) {
            let mut thinned = Thinned::default();
            let (mut next, mut place, mut sent) = (5000, 5000, Vec::new());
            for (skipped, keep) in steps {
                // What is skipped never comes, and keeps its places.
                (next, place) = (next + skipped, place + skipped);
                if keep {
                    prop_assert_eq!(thinned.keep(next).map(|before| next - before), Some(place));
                    sent.push((next, place));
                    place += 1;
                } else {
                    prop_assert_eq!(thinned.leave_out(next), None);
                }
                next += 1;
            }
            for (number, place) in sent.iter().rev().take_while(|(number, _)| number + KNOWN >= next) {
                prop_assert_eq!(thinned.before(*number).map(|before| number - before), Some(*place));
                prop_assert_eq!(thinned.original(*place), Some(*number));
            }
        }
    }
}
