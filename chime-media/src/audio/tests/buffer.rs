//! The jitter buffer by itself: order, bounds, no way back.

use std::time::Duration;

use proptest::prelude::*;

use super::world::beginning;
use crate::audio::jitter::{Arrival, CAPACITY, JitterBuffer, Pull};
use crate::audio::{FRAME, Stats, TICK};

#[derive(Debug, Clone)]
struct Step {
    wait: u64,
    seq: u64,
    timestamp: u32,
    length: usize,
    redundant: bool,
    fec: bool,
    pulls: u8,
}

fn any_step() -> impl Strategy<Value = Step> {
    let near = (0_u64..200).prop_map(|n| (n, (n as u32).wrapping_mul(960).wrapping_sub(48_000)));
    let wild = (any::<u64>(), any::<u32>());
    let packet = prop_oneof![8 => near, 1 => wild];
    (
        0_u64..80,
        packet,
        prop::sample::select(vec![120, 480, 960, 1920, 2880, 5760]),
        any::<[bool; 2]>(),
        0_u8..4,
    )
        .prop_map(|(wait, (seq, timestamp), length, [redundant, fec], pulls)| Step {
            wait,
            seq,
            timestamp,
            length,
            redundant,
            fec,
            pulls,
        })
}

proptest! {
    #[test]
    fn whatever_comes_it_stays_bounded_and_never_goes_back(steps in prop::collection::vec(any_step(), 1..400)) {
        let mut buffer = JitterBuffer::new();
        let mut stats = Stats::default();
        let mut now = beginning();
        let mut position = i64::MIN;
        for step in steps {
            now += Duration::from_millis(step.wait);
            let arrival = Arrival {
                seq: step.seq,
                timestamp: step.timestamp,
                payload: &[1, 2, 3],
                length: step.length,
                fec: step.fec,
                portable: false,
                redundant: step.redundant,
            };
            buffer.insert(arrival, now, &mut stats);
            prop_assert!(buffer.len() <= CAPACITY);
            for _ in 0..step.pulls {
                let _ = (buffer.too_long(now, 0), buffer.too_short(now, 480));
                if let Pull::Recover { samples, .. } = buffer.next(now, 0, false, &mut stats) {
                    prop_assert!(samples <= 5760);
                }
                prop_assert!(buffer.position() >= position);
                position = buffer.position();
            }
        }
    }
}

/// Plays packets in this order, given by number, two ahead of the first tick; what comes out.
fn play(order: &[u64], ticks: usize) -> (Vec<Option<u8>>, Stats) {
    let mut buffer = JitterBuffer::new();
    let mut stats = Stats::default();
    let mut now = beginning();
    for n in order {
        let payload = [*n as u8; 4];
        let timestamp = (u32::MAX - 2000).wrapping_add(*n as u32 * 960);
        let arrival = Arrival {
            seq: *n,
            timestamp,
            payload: &payload,
            length: FRAME,
            fec: false,
            portable: false,
            redundant: false,
        };
        buffer.insert(arrival, now, &mut stats);
    }
    let mut out = Vec::new();
    for _ in 0..ticks {
        now += TICK;
        out.push(match buffer.next(now, 0, false, &mut stats) {
            Pull::Decode { payload, .. } => Some(payload[0]),
            _ => None,
        });
    }
    (out, stats)
}

#[test]
fn reordered_packets_are_played_in_order_across_the_wrap() {
    let (out, stats) = play(&[0, 3, 1, 2, 5, 4], 6);
    assert_eq!(out, [0, 1, 2, 3, 4, 5].map(Some));
    assert_eq!(stats.late, 0);
}

#[test]
fn a_duplicate_is_played_once() {
    let (out, stats) = play(&[0, 1, 1, 0, 2, 2], 3);
    assert_eq!(out, [0, 1, 2].map(Some));
    assert_eq!(stats.duplicate, 3);
}
