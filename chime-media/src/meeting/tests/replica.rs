//! Attendees of replicas: what they get, what nobody gets of them, and how they are promoted.

use super::SECOND;
use crate::client::{Config, Event, Show};
use crate::config::Limits;
use crate::event::{Farewell, Happened};
use crate::ids::{Capabilities, Capability, SessionId};
use crate::testing::World;

/// A meeting of ann, who talks and shows herself, and bob, with two attendees of a replica.
fn webinar(seed: u64, limits: Limits) -> (World, [SessionId; 4]) {
    let mut world = World::with(seed, limits);
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    let view = |world: &mut World, name: &str| {
        world.join_replica(Config::new(name, seed + 1), Capabilities::default(), Some("replica"))
    };
    let (vic, wes) = (view(&mut world, "vic"), view(&mut world, "wes"));
    world.run(SECOND);
    let now = world.now;
    world.client(ann).show(now, Show::single(300));
    for id in [ann, vic, wes] {
        world.actor(id).talks = true;
    }
    world.run(3 * SECOND);
    (world, [ann, bob, vic, wes])
}

fn slot(world: &World, id: SessionId) -> u64 {
    1 << world.actors[&id].slot
}

fn present(world: &World, at: SessionId) -> Vec<String> {
    let roster = world.actors[&at].client.roster();
    let mut names: Vec<String> = roster.present.values().map(|each| each.attendee.clone()).collect();
    names.sort();
    names
}

fn events(world: &World, id: SessionId) -> Vec<Event> {
    world.actors[&id].events.iter().map(|(_, event)| event.clone()).collect()
}

fn happened(world: &World, attendee: &str) -> Vec<(Happened, bool)> {
    let its = world.events.iter().filter(|(_, event)| &*event.attendee.id == attendee);
    its.map(|(_, event)| (event.what, event.attendee.replica.is_some())).collect()
}

#[test]
fn a_replica_gets_everything_and_nobody_gets_anything_of_it() {
    let (mut world, [ann, bob, vic, wes]) = webinar(71, Limits::default().with(16, 2, 2));
    let from = world.now;
    world.run(2 * SECOND);
    let of_ann = slot(&world, ann);
    for id in [bob, vic, wes] {
        assert_eq!(world.actor(id).ear.since(from), of_ann);
        assert_eq!(present(&world, id), ["ann", "bob"]);
        assert!(world.client(id).tile("ann").is_some_and(|tile| tile.counts.pictures > 30));
        assert_eq!(world.client(id).index().num_participants, Some(2));
    }
    assert_eq!(world.actor(ann).ear.since(from), 0);
    let capacity = |world: &World, id| world.actors[&id].client.index().at_capacity;
    assert_eq!((capacity(&world, bob), capacity(&world, vic)), (Some(false), Some(true)));

    let now = world.now;
    world.client(vic).show(now, Show::single(300));
    world.client(vic).tell(now, "topic", b"of vic", 0);
    world.client(ann).tell(now, "topic", b"of ann", 0);
    world.run(SECOND);
    assert!(events(&world, vic).contains(&Event::ViewOnly));
    let told = |world: &World, id| {
        let all = events(world, id).into_iter();
        all.filter_map(|event| if let Event::Data(data) = event { data.data } else { None })
            .collect::<Vec<_>>()
    };
    for id in [bob, vic, wes] {
        assert_eq!(told(&world, id), [b"of ann"]);
    }
    assert_eq!(told(&world, ann), Vec::<Vec<u8>>::new());
    assert_eq!(happened(&world, "vic"), [(Happened::Authorized, true), (Happened::Joined, true)]);
}

#[test]
fn whoever_is_promoted_is_heard_and_seen_as_another_and_whoever_goes_back_is_not() {
    let (mut world, [ann, bob, vic, wes]) = webinar(72, Limits::default());
    let now = world.now;
    world.client(vic).promote(now, "guest", "good");
    world.run(SECOND);
    assert!(events(&world, vic).contains(&Event::Promoted(0)));
    let now = world.now;
    world.client(vic).show(now, Show::single(300));
    world.run(2 * SECOND);
    let from = world.now;
    world.run(2 * SECOND);
    let (of_ann, of_vic) = (slot(&world, ann), slot(&world, vic));
    assert_eq!(world.actor(bob).ear.since(from), of_ann | of_vic);
    assert_eq!(world.actor(wes).ear.since(from), of_ann | of_vic);
    assert_eq!(world.actor(vic).ear.since(from), of_ann, "nobody hears themselves");
    for id in [ann, bob, vic, wes] {
        assert_eq!(present(&world, id), ["ann", "bob", "guest"]);
    }
    assert!(world.client(wes).tile("guest").is_some_and(|tile| tile.counts.pictures > 30));
    let joined = [(Happened::Authorized, false), (Happened::Joined, false), (Happened::VideoStarted, false)];
    assert_eq!(happened(&world, "guest"), joined);

    let now = world.now;
    world.client(vic).demote(now);
    world.run(SECOND);
    let from = world.now;
    world.run(SECOND);
    assert_eq!(world.actor(bob).ear.since(from), of_ann);
    assert_eq!(world.actor(vic).ear.since(from), of_ann, "it is still a viewer");
    assert_eq!(present(&world, wes), ["ann", "bob"]);
    assert!(world.client(bob).tile("guest").is_none());
    assert!(!events(&world, vic).contains(&Event::Demoted), "its client knows");
    assert_eq!(happened(&world, "guest")[3..], [(Happened::VideoStopped, false), (Happened::Left, false)]);
}

#[test]
fn whoever_goes_back_gets_no_pictures_that_it_may_not_get() {
    let (mut world, _) = webinar(74, Limits::default());
    let blind = Capabilities { video: Capability::None, ..Capabilities::default() };
    let uma = world.join_replica(Config::new("uma", 75), blind, Some("replica"));
    world.run(SECOND);
    assert!(world.client(uma).tile("ann").is_none_or(|tile| tile.counts.pictures == 0));
    let now = world.now;
    world.client(uma).promote(now, "guest", "good");
    world.run(3 * SECOND);
    let watches = |world: &World| {
        world.meeting.sources.values().flat_map(|source| &source.subscribers).any(|(id, _)| *id == uma)
    };
    assert!(watches(&world));
    // At once, and not when its client asks for less.
    let now = world.now;
    world.meeting.demote(now, uma);
    assert!(!watches(&world));
}

#[test]
fn a_promotion_is_refused_without_good_credentials_a_place_or_a_replica() {
    let (mut world, [ann, _, vic, wes]) = webinar(73, Limits::default().with(16, 1, 3));
    let now = world.now;
    world.client(ann).promote(now, "guest", "good");
    world.client(vic).promote(now, "guest", "bad");
    world.run(SECOND);
    let now = world.now;
    world.client(vic).promote(now, "guest", "good");
    world.run(SECOND);
    let now = world.now;
    world.client(wes).promote(now, "another", "good");
    world.run(SECOND);
    let answers = |world: &World, id| {
        let all = events(world, id).into_iter();
        all.filter_map(|event| if let Event::Promoted(status) = event { Some(status) } else { None })
            .collect::<Vec<_>>()
    };
    assert_eq!(answers(&world, ann), [403]);
    assert_eq!(answers(&world, vic), [403, 0]);
    assert_eq!(answers(&world, wes), [409], "ann, bob and the guest are all that there may be");
    assert!([ann, vic, wes].iter().all(|id| world.actors[id].client.is_connected()));
}

#[test]
fn a_promotion_ends_with_its_attendee_its_socket_or_the_same_attendee_elsewhere() {
    let (mut world, [_, bob, vic, wes]) = webinar(74, Limits::default());
    let demotions =
        |world: &World, id| events(world, id).iter().filter(|event| **event == Event::Demoted).count();
    let promote = |world: &mut World, id| {
        let now = world.now;
        world.client(id).promote(now, "guest", "good");
        world.run(SECOND);
        assert_eq!(present(world, bob), ["ann", "bob", "guest"]);
    };
    promote(&mut world, vic);
    let now = world.now;
    world.meeting.remove(now, "guest", Farewell::Removed);
    world.run(SECOND);
    assert_eq!((demotions(&world, vic), present(&world, bob)), (1, vec!["ann".into(), "bob".into()]));
    assert!(world.client(vic).is_connected(), "it stays in its replica");

    promote(&mut world, vic);
    promote(&mut world, wes);
    assert_eq!((demotions(&world, vic), demotions(&world, wes)), (2, 0));

    world.cut_socket(wes);
    world.run(SECOND);
    assert_eq!(present(&world, bob), ["ann", "bob"]);
    let config = world.client(wes).config().clone();
    let again = world.join_replica(config, Capabilities::default(), Some("replica"));
    world.run(2 * SECOND);
    assert!(world.client(again).is_connected());
    assert_eq!(present(&world, bob), ["ann", "bob"], "it comes back as a viewer");
    assert_eq!(happened(&world, "wes"), [(Happened::Authorized, true), (Happened::Joined, true)]);

    promote(&mut world, vic);
    let guest = world.join("guest");
    world.run(SECOND);
    assert!(world.client(guest).is_connected());
    assert_eq!((demotions(&world, vic), present(&world, bob).len()), (3, 3));
}

#[test]
fn a_replica_ends_alone_and_outlives_its_meeting() {
    let (mut world, [ann, bob, vic, wes]) = webinar(75, Limits::default());
    let other = world.join_replica(Config::new("xia", 3), Capabilities::default(), Some("another"));
    world.run(SECOND);
    let now = world.now;
    world.meeting.end_replica(now, "replica", Farewell::Ended);
    world.run(SECOND);
    for id in [vic, wes] {
        assert!(events(&world, id).contains(&Event::Ended(410)));
        assert_eq!(world.actor(id).closed, Some(4410));
    }
    assert!([ann, bob, other].iter().all(|id| world.actors[id].closed.is_none()));
    let now = world.now;
    world.meeting.end(now, Farewell::Ended);
    world.run(SECOND);
    assert_eq!((world.actor(ann).closed, world.actor(other).closed), (Some(4410), Some(4500)));
}

/// Shares with the credentials of the replica, as the client does.
fn share(world: &mut World, of: &str) -> SessionId {
    let config = Config::new(&format!("{of}#content"), 9);
    let id = world.join_replica(config, Capabilities::default(), Some("replica"));
    world.run(SECOND);
    let now = world.now;
    world.client(id).show(now, Show::single(300));
    world.actor(id).talks = true;
    world.run(2 * SECOND);
    id
}

#[test]
fn whoever_is_promoted_shares_content_as_whom_it_was_promoted_to_be_until_it_goes_back() {
    let (mut world, [ann, bob, vic, wes]) = webinar(76, Limits::default());
    let promote = |world: &mut World| {
        let now = world.now;
        world.client(vic).promote(now, "guest", "good");
        world.run(SECOND);
    };
    promote(&mut world);
    let share_of_vic = share(&mut world, "vic");
    let (from, of_share) = (world.now, slot(&world, share_of_vic));
    world.run(SECOND);
    for id in [ann, bob, wes] {
        assert_eq!(present(&world, id), ["ann", "bob", "guest", "guest#content"]);
        assert!(world.client(id).tile("guest#content").is_some_and(|tile| tile.counts.pictures > 30));
        assert_eq!(world.actor(id).ear.since(from) & of_share, of_share);
    }
    assert_eq!(present(&world, vic), ["ann", "bob", "guest", "vic#content"], "by which it knows its own");
    assert!(world.client(vic).tile("guest#content").is_none());
    assert_eq!(world.actor(vic).ear.since(from) & of_share, 0, "nobody hears what they share");
    let of_content = |world: &World| {
        let its = world.events.iter().filter(|(_, event)| event.attendee.content);
        its.map(|(_, event)| (event.attendee.name(), event.what)).collect::<Vec<_>>()
    };
    let mut expected: Vec<_> = [Happened::Authorized, Happened::Joined, Happened::VideoStarted]
        .map(|what| ("guest#content".to_owned(), what))
        .into();
    assert_eq!(of_content(&world), expected);

    let now = world.now;
    world.client(vic).demote(now);
    world.run(SECOND);
    assert_eq!(world.actor(share_of_vic).closed, Some(4410));
    assert!(events(&world, share_of_vic).contains(&Event::Ended(411)));
    for id in [ann, bob, vic, wes] {
        assert_eq!(present(&world, id), ["ann", "bob"]);
        assert!(world.client(id).tile("guest#content").is_none());
    }
    expected.extend([Happened::VideoStopped, Happened::Left].map(|what| ("guest#content".to_owned(), what)));
    assert_eq!(of_content(&world), expected);

    promote(&mut world);
    let again = share(&mut world, "vic");
    assert!(present(&world, bob).contains(&"guest#content".to_owned()));
    let now = world.now;
    world.meeting.remove(now, "guest", Farewell::Removed);
    world.run(SECOND);
    assert_eq!(world.actor(again).closed, Some(4410), "its attendee was deleted");
    assert_eq!(present(&world, bob), ["ann", "bob"]);
}

#[test]
fn a_share_of_who_is_not_promoted_or_one_too_many_is_refused() {
    let (mut world, [_, bob, vic, wes]) = webinar(77, Limits::default().with(16, 1, 250));
    let status = |world: &World, id| {
        events(world, id).iter().find_map(|event| match event {
            Event::Refused(status) => Some(*status),
            _ => None,
        })
    };
    let early = share(&mut world, "vic");
    assert_eq!(status(&world, early), Some(403));
    for (id, who) in [(vic, "guest"), (wes, "another")] {
        let now = world.now;
        world.client(id).promote(now, who, "good");
    }
    world.run(SECOND);
    let of_wes = share(&mut world, "wes");
    let late = share(&mut world, "vic");
    assert_eq!((status(&world, of_wes), status(&world, late)), (None, Some(409)));
    assert_eq!(present(&world, bob), ["ann", "another", "another#content", "bob", "guest"]);

    // Its client has lost its signaling, and comes again: nobody is told.
    world.cut_socket(of_wes);
    world.run(SECOND);
    let config = world.client(of_wes).config().clone();
    let back = world.join_replica(config, Capabilities::default(), Some("replica"));
    world.run(2 * SECOND);
    assert!(world.client(back).is_connected());
    let left =
        world.events.iter().filter(|(_, event)| event.attendee.content && event.what == Happened::Left);
    assert_eq!(left.count(), 0);
    // The same attendee from somewhere else ends the promotion, and the share with it.
    world.join("another");
    world.run(SECOND);
    assert_eq!(world.actor(back).closed, Some(4410));
    assert_eq!(present(&world, bob), ["ann", "another", "bob", "guest"]);
}
