//! Clients and videos that are back, and what of them is told as new.

use super::SECOND;
use crate::client::Show;
use crate::event::Happened;
use crate::ids::SessionId;
use crate::testing::World;
use crate::transport::CONSENT;

/// Ann shows something to bob.
fn showing(seed: u64, show: Show) -> (World, SessionId, SessionId) {
    let mut world = World::new(seed);
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    world.run(SECOND);
    let now = world.now;
    world.client(bob).want(now, 1);
    world.client(ann).show(now, show);
    world.run(4 * SECOND);
    (world, ann, bob)
}

fn pictures(world: &World, of: SessionId) -> u64 {
    world.actors[&of].client.tile("ann").unwrap().counts.pictures
}

fn count(world: &World, what: Happened) -> usize {
    world.events.iter().filter(|(_, event)| event.what == what).count()
}

#[test]
fn a_camera_that_is_back_with_its_old_sources_is_seen_though_it_names_none() {
    let (mut world, ann, bob) = showing(71, Show::simulcast(100, 300, 900));
    assert!(pictures(&world, bob) > 30);
    let now = world.now;
    world.client(ann).hide(now);
    world.run(3 * SECOND);
    let now = world.now;
    world.client(ann).show_again(now);
    world.run(3 * SECOND);
    assert!(pictures(&world, bob) > 30);
    let events = [Happened::VideoStarted, Happened::VideoStopped].map(|what| count(&world, what));
    assert_eq!(events, [2, 1]);
}

#[test]
fn whoever_goes_on_in_other_encodings_has_not_stopped() {
    let (mut world, ann, bob) = showing(72, Show::single(600));
    for show in [Show::simulcast(100, 300, 900), Show::single(600), Show::simulcast(100, 300, 900)] {
        let now = world.now;
        world.client(ann).show(now, show);
        world.run(4 * SECOND);
        assert!(pictures(&world, bob) > 30);
    }
    let events = [Happened::VideoStarted, Happened::VideoStopped].map(|what| count(&world, what));
    assert_eq!(events, [1, 0]);
}

#[test]
fn padding_of_a_sender_is_no_loss_to_anybody() {
    let (mut world, ann, bob) = showing(73, Show::single(600));
    for _ in 0..20 {
        world.client(ann).probe(3);
        world.run(SECOND / 4);
    }
    let tile = world.actors[&bob].client.tile("ann").unwrap().counts;
    assert_eq!((tile.lost, tile.gaps, tile.requests, tile.padding), (0, 0, 0, 0), "{tile:?}");
    assert!(tile.pictures > 100);
    let counts = world.client(ann).counts();
    assert_eq!(counts.lost, 0, "the sender is told of no loss");
    assert!(counts.timed > 5, "its reports are answered: {counts:?}");
    // What overtook it has left a place for it.
    world.actor(ann).up.jitter = SECOND / 20;
    for _ in 0..40 {
        world.client(ann).probe(3);
        world.run(SECOND / 4);
    }
    world.actor(ann).up.jitter = std::time::Duration::ZERO;
    world.run(SECOND);
    let tile = world.actors[&bob].client.tile("ann").unwrap().counts;
    assert_eq!((tile.lost, tile.broken), (0, 0), "{tile:?}");
    assert!(tile.padding > 0, "{tile:?}");
}

#[test]
fn a_path_that_is_back_in_time_ends_nothing() {
    let (mut world, ann, bob) = showing(74, Show::single(600));
    let set = |world: &mut World, cut| {
        let actor = world.actor(ann);
        (actor.up.cut, actor.down.cut) = (cut, cut);
    };
    set(&mut world, true);
    world.run(CONSENT + SECOND);
    set(&mut world, false);
    world.run(20 * SECOND);
    assert_eq!(count(&world, Happened::Dropped), 0);
    assert!(world.client(ann).is_connected() && world.client(ann).is_joined());
    assert!(world.client(bob).roster().names().contains_key("ann"));
}

#[test]
fn whoever_takes_no_video_has_no_say_in_its_codecs() {
    let (mut world, _ann, bob) = showing(75, Show::single(600));
    let before = world.client(bob).index().supported_receive_codec_intersection.clone();
    assert!(!before.is_empty());
    super::sections::guest(&mut world, &[("audio", "sendrecv")]);
    world.run(SECOND);
    assert_eq!(world.client(bob).index().num_participants, Some(3));
    assert_eq!(world.client(bob).index().supported_receive_codec_intersection, before);
}
