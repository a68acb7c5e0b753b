//! Sequence numbers of 16 bits that wrap, and which of them were seen.

/// Extends sequence numbers by their roll-overs (RFC 3711 section 3.3.1).
#[derive(Clone, Copy, Debug)]
pub struct Extender {
    newest: u64,
}

impl Extender {
    /// The first packet of a source.
    #[must_use]
    pub const fn new(first: u16) -> Self {
        Self { newest: first as u64 }
    }

    /// Goes on from an extended number.
    #[must_use]
    pub const fn at(newest: u64) -> Self {
        Self { newest }
    }

    /// The number that is nearest to the newest one taken; never below zero.
    #[must_use]
    pub fn guess(&self, sequence: u16) -> u64 {
        let step = i64::from(sequence.wrapping_sub(low(self.newest)).cast_signed());
        self.newest.checked_add_signed(step).unwrap_or(u64::from(sequence))
    }

    /// Takes an extended number as seen.
    pub fn take(&mut self, index: u64) {
        self.newest = self.newest.max(index);
    }

    /// The highest number that was taken.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.newest
    }
}

/// The 16 bits of an extended number that are sent.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are what is sent")]
pub const fn low(index: u64) -> u16 {
    index as u16
}

/// Which of the last 128 numbers were seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// The highest number noted, plus one: zero is nothing yet.
    end: u64,
    /// Bit n: `end - 1 - n` was noted.
    seen: u128,
}

impl Window {
    /// Whether the number was not noted and is not too old to tell.
    #[must_use]
    pub fn is_new(&self, index: u64) -> bool {
        let Some(age) = self.end.checked_sub(index + 1) else { return true };
        u32::try_from(age)
            .ok()
            .and_then(|age| 1_u128.checked_shl(age))
            .is_some_and(|bit| self.seen & bit == 0)
    }

    /// Notes a number.
    pub fn note(&mut self, index: u64) {
        let shift = |by: u64| u32::try_from(by).unwrap_or(u32::MAX);
        if index + 1 > self.end {
            self.seen = self.seen.checked_shl(shift(index + 1 - self.end)).unwrap_or(0) | 1;
            self.end = index + 1;
        } else {
            self.seen |= 1_u128.checked_shl(shift(self.end - 1 - index)).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_go_on_across_the_wrap_and_back() {
        let mut extender = Extender::new(65_534);
        for (sequence, index) in [(65_535, 65_535), (0, 65_536), (65_533, 65_533), (1, 65_537)] {
            assert_eq!(extender.guess(sequence), index);
            extender.take(index);
        }
        assert_eq!(Extender::new(1).guess(65_535), 65_535, "nothing is before the first round");
    }

    proptest! {
        #[test]
        fn a_guess_is_right_within_half_a_round(start in 0_u64..1 << 40, step in -32_767_i64..32_767) {
            let extender = Extender { newest: start + 40_000 };
            let wanted = (start + 40_000).checked_add_signed(step).unwrap();
            prop_assert_eq!(extender.guess(low(wanted)), wanted);
        }

        #[test]
        fn a_number_is_new_once_and_old_ones_never(numbers in prop::collection::vec(0_u64..600, 1..300)) {
            let mut window = Window::default();
            let mut seen = std::collections::HashSet::new();
            let mut newest = 0;
            for number in numbers {
                newest = newest.max(number);
                prop_assert_eq!(window.is_new(number), !seen.contains(&number) && newest - number < 128);
                window.note(number);
                seen.insert(number);
            }
        }
    }
}
