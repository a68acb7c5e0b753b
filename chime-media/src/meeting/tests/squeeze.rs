//! Paths that do not carry everything: who gets what, how soon, and what it does to the voices.

use std::time::Duration;

use super::SECOND;
use crate::client::{Event, Show};
use crate::ids::SessionId;
use crate::testing::World;

/// What the server thinks a client's path carries, in kbit/s.
fn estimate(world: &World, id: SessionId) -> u64 {
    world.meeting.sessions[&id].peer.as_ref().unwrap().estimator.rate() / 1000
}

/// A world with people who send these videos, and one who watches them.
fn audience(seed: u64, shows: &[Show]) -> (World, Vec<SessionId>, SessionId) {
    let mut world = World::new(seed);
    let names = ["ann", "bob", "cid", "dot", "eve"];
    let senders: Vec<SessionId> = names.iter().take(shows.len()).map(|name| world.join(name)).collect();
    world.run(SECOND);
    let watcher = world.join("watcher");
    for (id, show) in senders.iter().zip(shows) {
        let now = world.now;
        world.client(*id).want(now, 0);
        world.client(*id).show(now, show.clone());
    }
    world.actor(senders[0]).talks = true;
    world.run(3 * SECOND);
    (world, senders, watcher)
}

#[test]
fn med_11_a_squeezed_path_gets_the_small_picture_and_then_the_large_one_again() {
    let (mut world, senders, watcher) = audience(31, &[Show::simulcast(150, 400, 1200)]);
    let layer = |world: &World| world.actors[&watcher].client.tile("ann").and_then(|tile| tile.layer);
    assert_eq!(layer(&world), Some(2), "at once on a good path");

    world.actor(watcher).down.kbps = Some(400);
    let from = world.now;
    let mut took = 0;
    while layer(&world) != Some(0) {
        world.run(SECOND / 10);
        took += 1;
        assert!(took < 50, "after five seconds: {:?}, {} kbit/s", layer(&world), estimate(&world, watcher));
    }
    world.run(15 * SECOND);
    let slot = world.actor(senders[0]).slot;
    let to = world.now;
    let heard = world.actor(watcher).ear.count(slot, from, to) as u128;
    let spoken = (to - from).as_millis() / 20;
    assert!(heard * 100 >= spoken * 97, "{heard} of {spoken} frames of voice");
    let settled = world.actor(watcher).ear.count(slot, from + 3 * SECOND, to) as u128;
    assert!(settled + 2 >= spoken - 150, "none is lost once it has settled: {settled} of {}", spoken - 150);

    world.actor(watcher).down.kbps = None;
    let mut took = 0;
    while layer(&world) != Some(2) {
        world.run(SECOND / 2);
        took += 1;
        assert!(took < 30, "after 15 seconds: {:?}, {} kbit/s", layer(&world), estimate(&world, watcher));
    }
    assert_eq!(world.actors[&watcher].client.tile("ann").unwrap().counts.bad_switches, 0);
}

#[test]
fn what_does_not_fit_is_paused_and_said_to_be() {
    let shows = [150, 150, 150, 150].map(Show::single);
    let (mut world, _, watcher) = audience(32, &shows);
    let now = world.now;
    for (priority, name) in (1..).zip(["bob", "dot", "ann", "cid"]) {
        world.client(watcher).prefer(now, name, priority, 1500);
    }
    world.actor(watcher).down.kbps = Some(300);
    world.run(15 * SECOND);
    let groups = |world: &World, wanted: bool| {
        let events = world.actors[&watcher].events.iter();
        let groups = events.filter_map(|(_, event)| match event {
            Event::Paused(groups) if wanted => Some(groups.clone()),
            Event::Resumed(groups) if !wanted => Some(groups.clone()),
            _ => None,
        });
        groups.flatten().collect::<Vec<u32>>()
    };
    let seen = |world: &World| {
        let tiles = world.actors[&watcher].client.tiles().iter();
        let fresh = tiles.filter(|tile| tile.last.is_some_and(|last| world.now - last < SECOND));
        let mut names: Vec<String> = fresh.map(|tile| tile.attendee.clone()).collect();
        names.sort();
        names
    };
    let now_seen = seen(&world);
    assert!(now_seen.contains(&"bob".to_owned()), "the most important one goes on: {now_seen:?}");
    assert!(!now_seen.contains(&"cid".to_owned()), "the least important one does not: {now_seen:?}");
    assert!(groups(&world, true).len() >= 2);

    world.actor(watcher).down.kbps = None;
    world.run(20 * SECOND);
    assert_eq!(seen(&world), ["ann", "bob", "cid", "dot"], "{} kbit/s", estimate(&world, watcher));
    let (paused, resumed) = (groups(&world, true), groups(&world, false));
    assert_eq!(paused.len(), resumed.len(), "whatever was paused is said to go on");
}

#[test]
fn the_estimate_finds_a_fixed_rate_and_the_pictures_stay_as_they_are() {
    let shows = [(); 3].map(|()| Show::simulcast(150, 400, 1200));
    let (mut world, _, watcher) = audience(33, &shows);
    world.actor(watcher).down.kbps = Some(1000);
    world.run(20 * SECOND);
    let switches = |world: &World| {
        let tiles = world.actors[&watcher].client.tiles().iter();
        tiles.map(|tile| tile.counts.switches).sum::<u64>()
    };
    let before_lost = world.actors[&watcher].client.hearing().lost;
    let (before, mut wrong) = (switches(&world), Vec::new());
    for _ in 0..240 {
        world.run(Duration::from_millis(250));
        let kbps = estimate(&world, watcher);
        // Beside the video there are some 63 kbit/s of voice.
        if !(656..=1218).contains(&kbps) {
            wrong.push(kbps);
        }
    }
    let (switched, lost) =
        (switches(&world) - before, world.actors[&watcher].client.hearing().lost - before_lost);
    assert!(wrong.len() <= 12, "outside of 30 %: {wrong:?}");
    assert!(lost <= 15, "{lost} frames of voice lost in a minute");
    assert!(switched <= 9, "{switched} switches of three pictures in a minute");
}

#[test]
fn rates_are_told_every_four_seconds() {
    let (mut world, senders, watcher) = audience(34, &[Show::simulcast(150, 400, 1200)]);
    world.run(20 * SECOND);
    let told: Vec<_> = world.actors[&watcher]
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Bitrates(available, rates) => Some((*available, rates.clone())),
            _ => None,
        })
        .collect();
    assert!((5..=6).contains(&told.len()), "{told:?}");
    let (available, rates) = told.last().unwrap();
    assert!(available.unwrap() > 1200);
    assert_eq!(rates.len(), 3);
    let high = rates.last().unwrap().1;
    assert!((1_100_000..1_500_000).contains(&high), "{high}");
    let own = world.actors[&senders[0]].events.iter();
    assert!(!own.clone().any(|(_, event)| matches!(event, Event::Paused(_))));
}
