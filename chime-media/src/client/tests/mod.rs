//! The client against a meeting.

use std::time::Duration;

use crate::client::{Event, Show};
use crate::testing::World;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_hear_and_see_each_other() {
    let mut world = World::new(1);
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    world.run(SECOND);
    let now = world.now;
    for id in [alice, bob] {
        assert!(world.client(id).is_connected());
        assert_eq!(world.client(id).roster().names().len(), 2);
        world.actor(id).talks = true;
        world.client(id).show(now, Show::single(600));
    }
    world.run(5 * SECOND);
    for (id, other) in [(alice, "bob"), (bob, "alice")] {
        let heard = world.actor(id).ear.since(now + SECOND);
        let own = 1 << world.actor(id).slot;
        assert_eq!(heard, 0b11 & !own, "the other and nobody else");
        let client = world.client(id);
        assert!(client.is_showing());
        let hearing = client.hearing();
        assert_eq!((hearing.lost, hearing.reordered), (0, 0));
        let tile = client.tile(other).unwrap();
        assert!((60..=80).contains(&tile.counts.pictures), "{:?}", tile.counts);
        assert_eq!((tile.counts.broken, tile.counts.lost, tile.counts.gaps), (0, 0, 0), "{:?}", tile.counts);
        assert!(client.counts().feedbacks > 0);
    }
    let now = world.now;
    world.client(bob).leave(now);
    world.run(SECOND);
    assert!(world.actor(bob).events.iter().any(|(_, event)| *event == Event::Left));
    let left: Vec<String> = world.client(alice).roster().names().into_keys().collect();
    assert_eq!(left, ["alice"]);
    assert!(world.client(alice).tiles().is_empty());
}

#[test]
fn what_is_lost_is_sent_again_both_ways() {
    let mut world = World::new(2);
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    world.run(SECOND);
    let now = world.now;
    world.client(alice).show(now, Show::simulcast(150, 400, 1200));
    world.actor(alice).up.loss = 30_000;
    world.actor(bob).down.loss = 30_000;
    world.run(10 * SECOND);
    assert!(world.client(alice).counts().repairs > 10, "{:?}", world.client(alice).counts());
    let counts = world.client(bob).tile("alice").unwrap().counts;
    assert!(counts.repaired > 10 && counts.pictures > 130, "{counts:?}");
    assert_eq!(counts.bad_switches, 0);
}

#[test]
fn red_is_understood() {
    let mut world = World::new(3);
    let mut config = crate::client::Config::new("alice", 7);
    config.red = Some(2);
    let alice = world.join_as(config, crate::ids::Capabilities::default());
    let bob = world.join("bob");
    world.run(SECOND);
    world.actor(alice).talks = true;
    world.actor(alice).up.loss = 100_000;
    let from = world.now + SECOND;
    world.run(6 * SECOND);
    let to = world.now;
    let slot = world.actor(alice).slot;
    let heard = world.actor(bob).ear.count(slot, from, to);
    assert!(heard > 240, "{heard} of 250 frames, though one in ten was lost");
    assert!(world.meeting.audio_stats().recovered_red > 10);
}

#[test]
fn a_broken_socket_is_followed_by_another() {
    let mut world = World::new(4);
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    world.run(SECOND);
    let config = world.client(alice).config().clone();
    world.cut_socket(alice);
    world.run(SECOND);
    let again = world.join_as(config, crate::ids::Capabilities::default());
    world.run(SECOND);
    let everybody = world.client(bob).roster().clone();
    assert_eq!(everybody.names().len(), 2);
    assert_eq!(
        world.client(again).roster().present,
        everybody.present,
        "the whole roster, in the old places"
    );
    assert!(world.client(again).is_connected() && everybody.dropped.is_empty());
}
