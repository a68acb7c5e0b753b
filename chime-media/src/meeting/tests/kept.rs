//! What a meeting keeps of those who were in it: nothing that adds up.

use super::SECOND;
use crate::client::Show;
use crate::meeting::session::Session;
use crate::testing::World;

/// Times that somebody comes and goes.
const FEW: usize = 5;
const MANY: usize = 40;

/// Somebody comes, shows and shares something and goes, politely or not; of the simulation itself nothing is kept.
fn come_and_go(world: &mut World, politely: bool) {
    let (bob, share) = (world.join("bob"), world.join("bob#content"));
    world.run(SECOND / 2);
    let now = world.now;
    for id in [bob, share] {
        assert!(world.client(id).is_connected());
        world.client(id).show(now, Show::single(300));
        world.actor(id).talks = true;
    }
    world.run(SECOND / 2);
    let now = world.now;
    for id in [bob, share] {
        if politely {
            world.client(id).leave(now);
        } else {
            world.cut_socket(id);
            world.actor(id).dead = true;
        }
    }
    world.run(if politely { SECOND } else { crate::testing::GRACE + SECOND });
    world.actors.retain(|id, _| ![bob, share].contains(id));
    assert_eq!(world.meeting.attendees().count(), 1);
    for actor in world.actors.values_mut() {
        (actor.events, actor.ear) = Default::default();
    }
    world.events = Vec::new();
}

/// Bytes that a meeting has in which somebody is and others came and went so many times, and bytes that are left of all
/// of it when it is gone, too.
fn kept(times: usize, politely: bool) -> (i64, i64) {
    let mut held = 0;
    let life = allocation_counter::measure(|| {
        let mut world = World::new(95);
        let ann = world.join("ann");
        for _ in 0..times {
            come_and_go(&mut world, politely);
        }
        // Her client notes more and more.
        world.actors.remove(&ann);
        held = -allocation_counter::measure(|| drop(world)).bytes_current;
    });
    (held, life.bytes_current)
}

#[test]
fn who_comes_and_goes_leaves_less_than_the_smallest_part_of_a_session() {
    for politely in [true, false] {
        let (few, many) = (kept(FEW, politely), kept(MANY, politely));
        let (held, left) = (many.0 - few.0, many.1 - few.1);
        let most = i64::try_from((MANY - FEW) * size_of::<Session>() / 4).unwrap();
        assert!(held < most && left < most, "{held} bytes are held and {left} left, {politely}");
    }
}
