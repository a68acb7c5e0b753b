//! A meeting makes rounds of the mix while somebody has media, and none before and after.

use std::time::Duration;

use super::SECOND;
use crate::audio::TICK;
use crate::event::Happened;
use crate::testing::{GRACE, World};

fn ticks(world: &World) -> u64 {
    world.meeting.audio_stats().ticks
}

#[test]
fn nobody_is_mixed_for_and_whoever_joins_is_at_once_and_in_step() {
    let mut world = World::new(91);
    let mut before = 0;
    for name in ["ann", "bob"] {
        // To a moment between two rounds.
        world.run(100 * SECOND + Duration::from_millis(7));
        assert_eq!((ticks(&world), world.meeting.poll_timeout()), (before, None));
        let id = world.join(name);
        for _ in 0..1000 {
            if world.meeting.poll_timeout().is_some() {
                break;
            }
            world.run(Duration::from_millis(1));
        }
        let next = world.meeting.poll_timeout().expect("a round, once it has a peer");
        assert!(next > world.now && next <= world.now + TICK);
        assert_eq!((next - world.start).as_nanos() % TICK.as_nanos(), 0);
        assert_eq!(ticks(&world), before, "none is made up for");
        world.run(SECOND);
        assert!((49..=51).contains(&(ticks(&world) - before)), "{} rounds", ticks(&world) - before);
        assert!(world.client(id).is_connected());
        let now = world.now;
        world.client(id).leave(now);
        world.run(SECOND / 10);
        before = ticks(&world);
    }
    world.run(60 * SECOND);
    assert_eq!((ticks(&world), world.meeting.poll_timeout()), (before, None));
}

#[test]
fn whoever_is_lost_before_they_had_media_is_waited_for_without_rounds() {
    let mut world = World::new(92);
    let ann = world.join("ann");
    world.run(Duration::from_millis(20));
    world.cut_socket(ann);
    world.run(SECOND / 10);
    let due = world.meeting.poll_timeout().expect("the end of the grace");
    assert!(due <= world.now + GRACE && due > world.now + GRACE - SECOND);
    world.run(GRACE);
    let dropped = world.events.iter().filter(|(_, event)| event.what == Happened::Dropped).count();
    assert_eq!((dropped, world.meeting.is_empty(), world.meeting.poll_timeout()), (1, true, None));
    assert_eq!(ticks(&world), 0);
}
