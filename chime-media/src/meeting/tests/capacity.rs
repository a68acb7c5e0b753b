//! Who comes when the meeting is full.

use super::SECOND;
use crate::client::{Config, Event, Show};
use crate::config::Limits;
use crate::ids::Capabilities;
use crate::testing::World;

#[test]
fn med_08_and_qta_09_tiles_go_to_who_comes_first_and_are_free_again_afterwards() {
    let mut world = World::with(11, Limits::default().with(2, 2, 250));
    let all: Vec<_> = ["ann", "bob", "cid"].into_iter().map(|name| world.join(name)).collect();
    world.run(SECOND);
    for id in &all {
        let now = world.now;
        world.client(*id).show(now, Show::single(300));
        world.run(SECOND / 2);
    }
    let showing =
        |world: &World| all.iter().map(|id| world.actors[id].client.is_showing()).collect::<Vec<_>>();
    assert_eq!(showing(&world), [true, true, false]);
    let view_only =
        world.actors[&all[2]].events.iter().filter(|(_, event)| *event == Event::ViewOnly).count();
    assert_eq!(view_only, 1, "told with 206, and let be otherwise");
    assert!(world.client(all[2]).is_connected() && world.client(all[2]).tiles().len() == 2);
    assert_eq!(world.client(all[0]).index().at_capacity, Some(true));

    let now = world.now;
    world.client(all[0]).hide(now);
    world.run(SECOND / 2);
    let now = world.now;
    assert_eq!(world.client(all[2]).index().at_capacity, Some(false));
    world.client(all[2]).show(now, Show::single(300));
    world.run(SECOND);
    assert_eq!(showing(&world), [false, true, true]);
}

#[test]
fn qta_03_and_qta_10_a_full_meeting_answers_409_and_lets_in_who_comes_back() {
    let mut world = World::with(12, Limits::default().with(16, 1, 2));
    let (ann, bob, cid) = (world.join("ann"), world.join("bob"), world.join("cid"));
    world.run(SECOND);
    assert!(world.client(ann).is_connected() && world.client(bob).is_connected());
    assert_eq!(world.actor(cid).events.first().map(|(_, event)| event.clone()), Some(Event::Refused(409)));
    let config = world.client(ann).config().clone();
    world.cut_socket(ann);
    let again = world.join_as(config, Capabilities::default());
    world.run(SECOND);
    assert!(world.client(again).is_connected(), "its place was kept");
    let (one, two) = (world.join("ann#content"), world.join("bob#content"));
    world.run(SECOND);
    assert!(world.client(one).is_connected());
    assert_eq!(world.actor(two).events.first().map(|(_, event)| event.clone()), Some(Event::Refused(409)));
}

#[test]
fn whoever_may_not_share_has_no_share_that_is_present_or_heard() {
    use crate::ids::Capability::{Receive, SendReceive};
    let mut world = World::with(14, Limits::default().with(16, 1, 250));
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    let looks = Capabilities { content: Receive, ..Capabilities::default() };
    let refused = world.join_as(Config::new("ann#content", 5), looks);
    world.run(SECOND);
    let first = world.actor(refused).events.first().map(|(_, event)| event.clone());
    assert_eq!(first, Some(Event::Refused(403)));

    // It takes no place from whom may, even if that one may not be heard itself.
    let shows = Capabilities { audio: Receive, ..Capabilities::default() };
    let share = world.join_as(Config::new("bob#content", 6), shows);
    world.run(SECOND);
    assert!(world.client(share).is_connected());
    world.actor(share).talks = true;
    world.run(2 * SECOND);
    let (from, sound) = (world.now, 1_u64 << world.actors[&share].slot);
    world.run(SECOND);
    assert_eq!(world.actor(ann).ear.since(from), sound, "its sound is content");

    let now = world.now;
    let looks = Capabilities { content: Receive, audio: SendReceive, ..Capabilities::default() };
    world.meeting.set_capabilities(now, "bob", looks);
    world.run(2 * SECOND);
    let from = world.now;
    world.run(SECOND);
    assert_eq!(world.actor(ann).ear.since(from), 0);
    assert!(world.actor(share).closed.is_some(), "the share is over");
    assert!(world.client(bob).is_connected(), "its owner stays");
    assert_eq!(world.client(ann).roster().names().len(), 2);
}

#[test]
fn med_15_content_is_heard_by_others_and_hears_nothing() {
    let mut world = World::new(13);
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    let content = world.join_as(Config::new("ann#content", 5), Capabilities::default());
    world.run(SECOND);
    let now = world.now;
    world.client(content).show(now, Show::single(1200));
    (world.actor(content).talks, world.actor(bob).talks) = (true, true);
    let from = world.now + SECOND;
    world.run(5 * SECOND);
    let slot = |world: &World, id| 1_u64 << world.actors[&id].slot;
    let (of_content, of_bob) = (slot(&world, content), slot(&world, bob));
    assert_eq!(world.actor(bob).ear.since(from), of_content);
    assert_eq!(world.actor(ann).ear.since(from), of_bob, "its owner does not hear the share");
    assert_eq!(world.actor(content).ear.since(from), 0);
    assert!(world.client(bob).tile("ann#content").is_some_and(|tile| tile.counts.pictures > 50));
    assert!(world.client(ann).tiles().is_empty(), "nor does it see it");
    assert_eq!(world.client(bob).index().num_participants, Some(2));

    world.cut_socket(ann);
    let again = world.join("ann");
    world.run(2 * SECOND);
    let from = world.now;
    world.run(2 * SECOND);
    assert_eq!(world.actor(bob).ear.since(from), slot(&world, content));
    assert_eq!(world.actor(again).ear.since(from), slot(&world, bob), "nor does it when it has come again");
}
