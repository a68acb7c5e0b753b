//! Paths that do not carry a whole encoding: fewer pictures or smaller ones, before none.

use super::SECOND;
use crate::client::{Event, Show, TileCounts};
use crate::ids::SessionId;
use crate::testing::World;

/// Ann shows something to a watcher.
fn showing(seed: u64, show: Show) -> (World, SessionId, SessionId) {
    let mut world = World::new(seed);
    let ann = world.join("ann");
    world.run(SECOND);
    let watcher = world.join("watcher");
    let now = world.now;
    world.client(ann).want(now, 0);
    world.client(ann).show(now, show);
    world.run(5 * SECOND);
    (world, ann, watcher)
}

fn counts(world: &World, watcher: SessionId) -> TileCounts {
    world.actors[&watcher].client.tile("ann").unwrap().counts
}

/// Pictures that could be decoded in the next five seconds.
fn pictures(world: &mut World, watcher: SessionId) -> u64 {
    let before = counts(world, watcher).pictures;
    world.run(5 * SECOND);
    counts(world, watcher).pictures - before
}

fn paused(world: &World, watcher: SessionId) -> bool {
    world.actors[&watcher].events.iter().any(|(_, event)| matches!(event, Event::Paused(_)))
}

/// Half of the pictures, a quarter, and all again, without a key frame.
fn check_fewer_pictures(show: Show) {
    let (mut world, ann, watcher) = showing(61, show);
    assert!((73..=76).contains(&pictures(&mut world, watcher)));
    for (kbps, expected) in [(430, 35..=40), (340, 17..=20)] {
        world.actor(watcher).down.kbps = Some(kbps);
        world.run(12 * SECOND);
        let before = counts(&world, watcher);
        let seen = pictures(&mut world, watcher);
        let after = counts(&world, watcher);
        assert!(expected.contains(&seen), "{seen} at {kbps} kbit/s");
        assert_eq!((after.requests, after.broken), (before.requests, before.broken), "nothing is missed");
    }
    let keys = world.client(ann).counts().key_requests;
    world.actor(watcher).down.kbps = None;
    world.run(20 * SECOND);
    assert!((73..=76).contains(&pictures(&mut world, watcher)));
    assert_eq!(world.client(ann).counts().key_requests, keys, "it takes no key frame");
    let counts = counts(&world, watcher);
    assert_eq!((counts.gaps, counts.unmarked), (0, 0), "{counts:?}");
    assert!(!paused(&world, watcher));
}

#[test]
fn med_11_a_squeezed_path_gets_fewer_pictures_and_then_all_of_them_again() {
    check_fewer_pictures(Show::layered(600, 0, 3));
}

#[test]
fn layers_that_are_told_in_the_dependency_descriptor_are_left_out_as_well() {
    check_fewer_pictures(Show { described: true, ..Show::layered(600, 0, 3) });
}

#[test]
fn med_11_a_squeezed_path_gets_a_smaller_layer_and_then_the_largest_again() {
    let (mut world, ann, watcher) = showing(62, Show::layered(1300, 3, 3));
    let spatial = |world: &World| world.actors[&watcher].client.tile("ann").unwrap().spatial;
    assert_eq!(spatial(&world), Some(2));
    for (kbps, layer, rate) in [(700, 1, 73..=76), (230, 0, 73..=76), (90, 0, 17..=40)] {
        world.actor(watcher).down.kbps = Some(kbps);
        world.run(15 * SECOND);
        let before = counts(&world, watcher);
        let seen = pictures(&mut world, watcher);
        let after = counts(&world, watcher);
        assert_eq!(spatial(&world), Some(layer), "{kbps} kbit/s");
        assert!(rate.contains(&seen), "{seen} at {kbps} kbit/s");
        assert_eq!((after.requests, after.broken), (before.requests, before.broken), "nothing is missed");
    }
    let keys = world.client(ann).counts().key_requests;
    world.actor(watcher).down.kbps = None;
    world.run(25 * SECOND);
    assert_eq!(spatial(&world), Some(2));
    assert!((73..=76).contains(&pictures(&mut world, watcher)));
    let asked = world.client(ann).counts().key_requests - keys;
    assert!((1..=4).contains(&asked), "{asked} key frames");
    let counts = counts(&world, watcher);
    assert_eq!(counts.unmarked, 0, "{counts:?}");
    assert!(!paused(&world, watcher));
}

#[test]
fn what_is_lost_among_layers_is_sent_again_and_nothing_is_asked_for_in_vain() {
    for (seed, show) in [(63, Show::layered(600, 0, 3)), (64, Show::layered(1300, 3, 3))] {
        let (mut world, ann, watcher) = showing(seed, show);
        world.actor(watcher).down.kbps = Some(500);
        world.run(12 * SECOND);
        world.actor(ann).up.loss = 30_000;
        world.actor(watcher).down.loss = 5_000;
        let before = counts(&world, watcher);
        world.run(20 * SECOND);
        let after = counts(&world, watcher);
        assert!(after.repaired > before.repaired, "{after:?}");
        let of =
            |counts: TileCounts| (counts.lost, counts.broken, counts.gaps, counts.unmarked, counts.requests);
        assert_eq!(of(after), of(before), "{before:?} {after:?}");
        let (seen, padding) = (after.pictures - before.pictures, after.padding - before.padding);
        assert!((145..=301).contains(&seen), "{seen} {after:?}");
        assert!((1..=20).contains(&padding), "{padding} places were kept for what is left out, and filled");
    }
}
