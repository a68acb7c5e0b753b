//! The estimator against an emulated path.

use std::time::{Duration, Instant};

use super::{Estimator, Fate, START};
use crate::testing::Path;

/// Sends at a rate in kbit/s, or less if the estimate is lower, for so many seconds; gives the estimates of each second.
fn run(estimator: &mut Estimator, path: &mut Path, from: Instant, kbps: u64, seconds: u32) -> Vec<u64> {
    let (mut fates, mut estimates, mut next) = (Vec::new(), Vec::new(), 1);
    let mut debt = 0;
    for tick in 1..=seconds * 100 {
        let now = from + tick * Duration::from_millis(10);
        debt += kbps.min(estimator.rate() / 1000) * 10 / 8;
        estimator.want(kbps * 1000);
        let mut sizes = vec![1000; usize::try_from(debt / 1000).unwrap()];
        debt %= 1000;
        let padding = estimator.padding(now);
        sizes.extend(std::iter::repeat_n(250, padding / 250));
        estimator.padded(padding / 250 * 250);
        for octets in sizes {
            let arrived = path.send(now, &vec![0x80; octets]).map(|at| at - from);
            estimator.sent(now, next);
            fates.push(Fate { index: next, octets, sent: now, arrived });
            next += 1;
        }
        if tick % 5 == 0 {
            // What is still on its way is told later.
            let horizon = now - from;
            let told =
                fates.iter().take_while(|fate: &&Fate| fate.arrived.is_none_or(|at| at <= horizon)).count();
            estimator.feedback(now, &fates.drain(..told).collect::<Vec<_>>());
        }
        if tick % 100 == 0 {
            estimates.push(estimator.rate() / 1000);
        }
    }
    estimates
}

#[test]
fn a_fixed_rate_is_found_from_above_and_from_below() {
    let start = crate::testing::start();
    let (mut estimator, mut path) = (Estimator::default(), Path::new(1));
    path.kbps = Some(1000);
    let above = run(&mut estimator, &mut path, start, 3000, 30);
    assert!(above[10..].iter().all(|kbps| (700..=1300).contains(kbps)), "{above:?}");
    path.kbps = Some(3000);
    let below = run(&mut estimator, &mut path, start + Duration::from_secs(30), 6000, 30);
    assert!(below[15..].iter().all(|kbps| (2100..=3900).contains(kbps)), "{below:?}");
}

#[test]
fn loss_by_chance_starves_nobody() {
    let start = crate::testing::start();
    let (mut estimator, mut path) = (Estimator::default(), Path::new(2));
    path.loss = 150_000;
    let estimates = run(&mut estimator, &mut path, start, 600, 20);
    assert!(estimates.iter().all(|kbps| *kbps >= 450), "{estimates:?}");
}

#[test]
fn nobody_who_wants_little_is_probed() {
    let start = crate::testing::start();
    let (mut estimator, mut path) = (Estimator::default(), Path::new(3));
    run(&mut estimator, &mut path, start, 300, 10);
    assert_eq!(estimator.rate(), START);
    assert!(path.octets < 10 * 300_000 / 8 * 11 / 10, "{} octets", path.octets);
}
