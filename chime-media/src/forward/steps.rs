//! What a receiver may get of a source, from the cheapest to the best.
//!
//! # Our choices
//!
//! - Sizes come first: those of the encodings, and in each those of its spatial layers. Rates of pictures are steps of the
//!   smallest size only: before a camera is paused it goes at half and at a quarter of its rate, but a larger picture that
//!   moves in jerks is no step between two that move smoothly.
//! - In a content share it is the other way round, since there it is read more than watched: each size has its lower rates
//!   as steps, as far as they cost more than the size before.
//! - An encoding without layers is one step; so nothing changes where there are none.

use super::rates::Rates;
use super::sieve::Level;
use crate::ids::StreamId;

/// Something that a receiver may get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The encoding.
    pub stream: StreamId,
    /// Its highest layers.
    pub level: Level,
    /// What it costs, in bit/s.
    pub cost: u64,
}

/// The steps over encodings, which come with what they cost whole, in bit/s, the smallest first.
pub fn steps<'a>(
    content: bool,
    encodings: impl IntoIterator<Item = (StreamId, u64, &'a Rates)>,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (stream, whole, rates) in encodings {
        let (sizes, temporals) = if whole > 0 { rates.layers() } else { (1, 1) };
        for size in 1..=sizes {
            let spatial = if size == sizes { u8::MAX } else { size - 1 };
            let before = steps.last().map(|step| step.cost);
            for rate in 1..=temporals {
                let temporal = if rate == temporals { u8::MAX } else { rate - 1 };
                let level = Level { spatial, temporal };
                let cost = if level == Level::ALL { whole } else { rates.part(whole, level) };
                let good = rate == temporals || before.is_none_or(|before| content && cost > before);
                if good {
                    steps.push(Step { stream, level, cost });
                }
            }
        }
    }
    steps
}

/// Which of the steps is nearest to what is sent of an encoding.
#[must_use]
pub fn position(steps: &[Step], stream: StreamId, level: Level) -> Option<usize> {
    let of = |step: &&Step| step.stream == stream;
    let covered = steps.iter().rposition(|step| of(&step) && level.covers(step.level));
    covered.or_else(|| steps.iter().position(|step| of(&step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(octets: &[&[usize]]) -> Rates {
        let mut rates = Rates::default();
        for (spatial, row) in (0..).zip(octets) {
            for (temporal, octets) in (0..).zip(*row) {
                rates.note(spatial, temporal, *octets);
            }
        }
        rates.settle();
        rates
    }

    /// What it costs whole, and the octets of its layers.
    type Encoding<'a> = (u64, &'a [&'a [usize]]);
    /// A step: encoding, highest layers, cost.
    type Told = (u32, u8, u8, u64);

    fn told(content: bool, encodings: &[Encoding<'_>]) -> Vec<Told> {
        let rates: Vec<Rates> = encodings.iter().map(|(_, octets)| rates(octets)).collect();
        let encodings = (1..).zip(encodings).zip(&rates);
        let steps = steps(content, encodings.map(|((id, (whole, _)), rates)| (StreamId(id), *whole, rates)));
        steps.iter().map(|step| (step.stream.0, step.level.spatial, step.level.temporal, step.cost)).collect()
    }

    const MAX: u8 = u8::MAX;

    #[test]
    fn sizes_come_first_and_only_the_smallest_goes_slower() {
        let temporal: &[&[usize]] = &[&[40, 20, 40]];
        let cases: &[(&[Encoding<'_>], &[Told])] = &[
            (&[], &[]),
            (&[(700, &[])], &[(1, MAX, MAX, 700)]),
            (&[(0, temporal)], &[(1, MAX, MAX, 0)]),
            (&[(100, temporal)], &[(1, MAX, 0, 40), (1, MAX, 1, 60), (1, MAX, MAX, 100)]),
            (
                &[(100, temporal), (400, temporal)],
                &[(1, MAX, 0, 40), (1, MAX, 1, 60), (1, MAX, MAX, 100), (2, MAX, MAX, 400)],
            ),
            (
                &[(1000, &[&[50, 50], &[150, 150], &[300, 300]])],
                &[(1, 0, 0, 50), (1, 0, MAX, 100), (1, 1, MAX, 400), (1, MAX, MAX, 1000)],
            ),
        ];
        for (encodings, expected) in cases {
            assert_eq!(told(false, encodings), *expected, "{encodings:?}");
        }
    }

    #[test]
    fn content_goes_slower_before_it_gets_smaller() {
        let half: &[&[usize]] = &[&[50, 50]];
        let expected = [(1, MAX, 0, 50), (1, MAX, MAX, 100), (2, MAX, 0, 200), (2, MAX, MAX, 400)];
        assert_eq!(told(true, &[(100, half), (400, half)]), expected);
        let expected = [(1, MAX, 0, 50), (1, MAX, MAX, 100), (2, MAX, MAX, 180)];
        assert_eq!(told(true, &[(100, half), (180, half)]), expected, "a step down that is dearer is none");
    }

    #[test]
    fn what_is_sent_is_found_among_the_steps() {
        let rates = rates(&[&[50, 50], &[150, 150]]);
        let steps = steps(false, [(StreamId(7), 400, &rates)]);
        let level = |spatial, temporal| Level { spatial, temporal };
        let cases =
            [(level(0, 0), 0), (level(0, MAX), 1), (level(MAX, 0), 0), (level(1, 2), 0), (Level::ALL, 2)];
        for (level, place) in cases {
            assert_eq!(position(&steps, StreamId(7), level), Some(place), "{level:?}");
        }
        assert_eq!(position(&steps, StreamId(8), Level::ALL), None);
    }
}
