//! What holds over random schedules. The seed that fails is in the message, and [`Schedule::new`] of it fails again.

use std::collections::BTreeMap;

use super::SECOND;
use super::schedule::{Schedule, TILES};
use crate::client::Event;

/// Schedules that are tried.
const SEEDS: std::ops::Range<u64> = 0..20;

#[test]
fn everybody_hears_sees_and_knows_the_others() {
    for seed in SEEDS {
        let mut schedule = Schedule::new(seed);
        schedule.run(40);
        schedule.settle();
        rosters(seed, &mut schedule);
        voices(seed, &mut schedule);
        videos(seed, &mut schedule);
        farewells(seed, &mut schedule);
    }
}

/// What clients were told adds up to the truth.
fn rosters(seed: u64, schedule: &mut Schedule) {
    let truth: BTreeMap<String, bool> =
        schedule.here.iter().map(|(name, here)| ((*name).to_owned(), here.muted)).collect();
    for (name, here) in schedule.here.clone() {
        let client = schedule.world.client(here.session);
        assert!(client.is_connected(), "seed {seed}: {name} is not in");
        assert_eq!(client.roster().names(), truth, "seed {seed}: as {name} was told");
    }
    assert_eq!(
        schedule.world.meeting.attendees().count(),
        truth.len(),
        "seed {seed}: somebody is left behind"
    );
}

/// Nobody hears himself, ever; all who talk are heard; nothing of the mix is missing but what the path has lost.
fn voices(seed: u64, schedule: &mut Schedule) {
    let from = schedule.world.now;
    schedule.world.run(SECOND);
    let talkers = schedule.here.values().filter(|here| !here.muted);
    let talkers = talkers.map(|here| &schedule.world.actors[&here.session]).filter(|actor| actor.talks);
    let talking = talkers.fold(0_u64, |mask, actor| mask | 1 << actor.slot);
    for (name, here) in &schedule.here {
        let actor = &schedule.world.actors[&here.session];
        let heard = actor.ear.since(from);
        // The mix has room for five.
        if talking.count_ones() <= 5 {
            assert_eq!(heard, talking & !(1 << actor.slot), "seed {seed}: what {name} hears");
        }
    }
    for (id, actor) in &schedule.world.actors {
        let own = actor.ear.since(schedule.world.start) & 1 << actor.slot;
        assert_eq!(own, 0, "seed {seed}: session {id} has heard itself");
        let (lost, hearing) = (actor.down.passed.1, actor.client.hearing());
        assert!(hearing.lost <= lost, "seed {seed}: session {id} misses {} of {lost}", hearing.lost);
    }
}

/// Tiles go to who came first; those who have one are seen by all others, and pictures hold together.
fn videos(seed: u64, schedule: &mut Schedule) {
    let now = schedule.world.now;
    let actors = || schedule.here.iter().map(|(name, here)| (*name, &schedule.world.actors[&here.session]));
    let shown: Vec<&str> =
        actors().filter(|(_, actor)| actor.client.is_showing()).map(|(name, _)| name).collect();
    assert!(shown.len() <= TILES, "seed {seed}: {shown:?}");
    for (name, actor) in actors() {
        let mut tiles: Vec<&str> = actor.client.tiles().iter().map(|tile| tile.attendee.as_str()).collect();
        tiles.sort_unstable();
        let others: Vec<&str> = shown.iter().copied().filter(|other| *other != name).collect();
        assert_eq!(tiles, others, "seed {seed}: what {name} sees");
        for tile in actor.client.tiles() {
            let fresh = tile.last.is_some_and(|last| now - last < SECOND);
            assert!(fresh, "seed {seed}: {name} sees nothing of {}: {:?}", tile.attendee, tile.counts);
        }
    }
    for (id, actor) in &schedule.world.actors {
        for tile in actor.client.tiles() {
            let counts = tile.counts;
            assert_eq!(counts.bad_switches, 0, "seed {seed}: session {id} and {}: {counts:?}", tile.attendee);
            let clean = actor.down.passed.1 == 0 && counts.lost == 0;
            assert!(
                !clean || counts.gaps == 0,
                "seed {seed}: session {id} and {}: {counts:?}",
                tile.attendee
            );
        }
    }
}

/// A device that another one of the attendee has replaced is told so, and only such a one.
fn farewells(seed: u64, schedule: &mut Schedule) {
    for (id, actor) in &schedule.world.actors {
        let ended = actor.events.iter().filter(|(_, event)| matches!(event, Event::Ended(_))).count();
        let here = schedule.here.values().any(|here| here.session == *id);
        assert!(!here || ended == 0, "seed {seed}: session {id} was sent away");
        for (_, event) in &actor.events {
            if let Event::Ended(status) = event {
                assert_eq!(*status, 301, "seed {seed}: session {id}");
            }
        }
    }
}
