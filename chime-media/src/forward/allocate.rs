//! Who gets what of a path that does not carry everything.
//!
//! # Our choices
//!
//! - Everybody's smallest encoding comes before anybody's better one: a small picture is worth more than a sharp one. Layers
//!   inside of an encoding count like encodings ([`super::steps`]).
//! - Content comes before cameras, then what the client calls more important, then what it asked for first. Those that are
//!   equally important go up step by step together.
//! - What is not sent yet has to fit with a sixth to spare; what is sent already may be a little too much. So a choice
//!   that was made holds while rates vary.

use std::time::{Duration, Instant};

/// What has to be left over for a better encoding, in per cent of it.
const SPARE: u64 = 115;
/// How much of an encoding that is sent has to fit.
const KEPT: u64 = 95;

/// What a receiver wants in one of its tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// It is of a content share.
    pub content: bool,
    /// Higher ones are more important.
    pub priority: u32,
    /// What its encodings cost, and the layers that are steps to them, in bit/s, the cheapest first.
    pub costs: Vec<u64>,
    /// The one that is sent.
    pub current: Option<usize>,
    /// Nothing better than what is sent may be chosen now.
    pub held: bool,
}

/// The best choice of encodings within a budget, in bit/s; `None` for what is not to be sent.
#[must_use]
pub fn allocate(budget: u64, claims: &[Claim]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..claims.len()).collect();
    let rank = |place: &usize| {
        claims.get(*place).map(|claim| (std::cmp::Reverse(claim.content), std::cmp::Reverse(claim.priority)))
    };
    order.sort_by_key(rank);
    let mut chosen = vec![None; claims.len()];
    let mut left = budget;
    for place in &order {
        raise(claims, *place, &mut chosen, &mut left);
    }
    for class in order.chunk_by(|one, other| rank(one) == rank(other)) {
        let mut any = true;
        while std::mem::take(&mut any) {
            for place in class {
                any |= raise(claims, *place, &mut chosen, &mut left);
            }
        }
    }
    chosen
}

/// Goes one encoding up in a track, if it fits.
fn raise(claims: &[Claim], place: usize, chosen: &mut [Option<usize>], left: &mut u64) -> bool {
    let (Some(claim), Some(chosen)) = (claims.get(place), chosen.get_mut(place)) else { return false };
    let next = chosen.map_or(0, |at| at + 1);
    let Some(cost) = claim.costs.get(next).copied() else { return false };
    // What was refused before would be refused again; of what is not sent the smallest fails alone.
    let before = chosen.and_then(|at| claim.costs.get(at)).copied().unwrap_or_default();
    let more = cost.saturating_sub(before);
    let better = claim.current.is_none_or(|current| next > current);
    if better && claim.held {
        return false;
    }
    let needed = more.saturating_mul(if better { SPARE } else { KEPT }) / 100;
    if needed > *left {
        return false;
    }
    *left = left.saturating_sub(more);
    *chosen = Some(next);
    true
}

/// How long a receiver's videos wait before one gets better: longer each time that this did not last.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    until: Option<Instant>,
    raised: Option<Instant>,
    wait: Duration,
}

/// Shortest and longest wait.
const WAITS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(30));
/// What lasted this long was no mistake.
const LASTING: Duration = Duration::from_secs(12);

impl Default for Patience {
    fn default() -> Self {
        Self { until: None, raised: None, wait: WAITS.0 }
    }
}

impl Patience {
    /// Whether it has to wait.
    #[must_use]
    pub fn holds(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// One went up.
    pub fn raised(&mut self, now: Instant) {
        self.raised = Some(now);
    }

    /// One went down.
    pub fn lowered(&mut self, now: Instant) {
        let mistaken = self.raised.take().is_some_and(|at| now.saturating_duration_since(at) < LASTING);
        self.wait = if mistaken { (self.wait * 2).min(WAITS.1) } else { WAITS.0 };
        self.until = Some(now + self.wait);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn camera(priority: u32, costs: &[u64]) -> Claim {
        Claim { priority, costs: costs.to_vec(), ..Claim::default() }
    }

    #[test]
    fn small_pictures_come_first_then_content_then_what_is_important() {
        let content = Claim { content: true, ..camera(0, &[300, 1200]) };
        let claims = [camera(1, &[100, 300, 900]), camera(9, &[100, 300, 900]), content];
        let cases = [
            (10_000, [Some(2), Some(2), Some(1)]),
            (100, [None, None, None]),
            (350, [None, None, Some(0)]),
            (470, [None, Some(0), Some(0)]),
            (600, [Some(0), Some(0), Some(0)]),
            (760, [Some(0), Some(1), Some(0)]),
            (1_560, [Some(0), Some(0), Some(1)]),
            (2_600, [Some(1), Some(2), Some(1)]),
        ];
        for (budget, expected) in cases {
            assert_eq!(allocate(budget, &claims), expected, "{budget}");
        }
    }

    #[test]
    fn a_choice_holds_while_rates_vary() {
        let claim = |current| [Claim { current, ..camera(1, &[100, 300]) }];
        let cases = [(320, None, 0), (335, None, 1), (300, Some(1), 1), (294, Some(1), 1), (280, Some(1), 0)];
        for (budget, current, expected) in cases {
            assert_eq!(allocate(budget, &claim(current)), [Some(expected)], "{budget} {current:?}");
        }
        let held = [Claim { held: true, current: Some(0), ..camera(1, &[100, 300]) }];
        assert_eq!(allocate(10_000, &held), [Some(0)]);
    }

    #[test]
    fn going_up_in_vain_makes_patient() {
        let start = crate::testing::start();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut patience = Patience::default();
        patience.lowered(at(0));
        assert!(patience.holds(at(2)) && !patience.holds(at(3)));
        for (moment, wait) in [(3, 6), (10, 12), (30, 24), (60, 30)] {
            patience.raised(at(moment));
            patience.lowered(at(moment + 1));
            assert!(patience.holds(at(moment + wait)) && !patience.holds(at(moment + 1 + wait)), "{moment}");
        }
        patience.raised(at(100));
        patience.lowered(at(200));
        assert!(!patience.holds(at(203)), "it had lasted");
    }

    proptest! {
        #[test]
        fn no_more_is_given_than_there_is(
            budget in 0_u64..5000,
            claims in prop::collection::vec((any::<bool>(), 0_u32..3, prop::collection::vec(1_u64..900, 0..4), 0_usize..4), 0..8),
        ) {
            let claims: Vec<Claim> = claims.into_iter().map(|(content, priority, mut costs, current)| {
                costs.sort_unstable();
                Claim { content, priority, current: current.checked_sub(1), costs, held: false }
            }).collect();
            let chosen = allocate(budget, &claims);
            let spent: u64 = chosen.iter().zip(&claims).filter_map(|(at, claim)| Some(claim.costs[(*at)?])).sum();
            // What is sent already may be a twentieth too much.
            prop_assert!(spent * 95 <= budget * 100 + 95 * 100, "{} of {}", spent, budget);
        }
    }
}
