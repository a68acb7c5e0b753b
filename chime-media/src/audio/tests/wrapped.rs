//! RFC 2198: what is packed comes out, and garbage is an error.

use proptest::prelude::*;

use super::pcm::Pcm;
use super::signal::{amplitude, tone};
use super::world::World;
use crate::audio::red::{Block, Red, RedError, write};
use crate::audio::{Config, FRAME, Format};
use std::time::Duration;

proptest! {
    #[test]
    fn garbage_never_panics(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Red::parse(&payload);
    }

    #[test]
    fn what_is_packed_comes_out(
        blocks in prop::collection::vec((0_u8..128, 0_u32..16_384, prop::collection::vec(any::<u8>(), 0..1024)), 0..=8),
        primary in prop::collection::vec(any::<u8>(), 0..1500),
        kind in 0_u8..128,
    ) {
        let blocks: Vec<_> = blocks
            .iter()
            .map(|(payload_type, offset, payload)| Block { payload_type: *payload_type, offset: *offset, payload })
            .collect();
        let mut out = Vec::new();
        write(&blocks, kind, &primary, &mut out).unwrap();
        let red = Red::parse(&out).unwrap();
        prop_assert_eq!(red.blocks(), &blocks[..]);
        prop_assert_eq!(red.primary, &primary[..]);
        prop_assert_eq!(red.primary_type, kind);
    }
}

#[test]
fn limits_are_errors() {
    let block = Block { payload_type: 111, offset: 960, payload: &[1, 2, 3] };
    let mut out = Vec::new();
    assert_eq!(write(&[block; 9], 111, &[], &mut out), Err(RedError::Blocks));
    assert_eq!(write(&[Block { offset: 16_384, ..block }], 111, &[], &mut out), Err(RedError::Range));
    assert_eq!(write(&[Block { payload: &[0; 1024], ..block }], 111, &[], &mut out), Err(RedError::Range));
    assert!(out.is_empty());
    assert_eq!(Red::parse(&[]), Err(RedError::Short));
    assert_eq!(Red::parse(&[0xef, 0, 0]), Err(RedError::Short));
    assert_eq!(Red::parse(&[0xef, 0, 0, 9, 111, 1]), Err(RedError::Short));
    assert_eq!(Red::parse(&[0xff; 200]), Err(RedError::Blocks));
}

#[test]
fn single_losses_are_made_good_from_redundant_blocks() {
    let mut world = World::new(Pcm, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    let mut before: Vec<u8> = Vec::new();
    // A header's length is 10 bits, so the frames are of 10 ms: 961 bytes uncompressed.
    for n in 0..600 {
        for half in 0..2 {
            let pcm = tone(500.0, 0.3, n);
            let payload = world.code(a, &pcm[half * 480..][..480]);
            let block = Block { payload_type: 111, offset: 480, payload: &before };
            let mut red = Vec::new();
            let blocks: &[Block<'_>] = if before.is_empty() { &[] } else { &[block] };
            write(blocks, 111, &payload, &mut red).unwrap();
            let lost = n > 20 && half == 1 && n % 4 == 0;
            let delay = (!lost).then(|| Duration::from_millis(10 * half as u64));
            world.send(a, red, FRAME / 2, Format::Red, delay);
            before = payload;
        }
        world.tick();
    }
    let stats = world.room.stats();
    assert!(stats.recovered_red > 100, "{stats:?}");
    assert!(stats.concealed < 25, "{stats:?}");
    let heard = super::signal::left(world.heard_last(b, 100));
    assert!((amplitude(&heard, 500.0) - 0.3).abs() < 0.01);
}
