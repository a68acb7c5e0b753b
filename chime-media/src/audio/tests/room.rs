//! Who is decoded, who shares an encoder, what is sent in silence.

use std::time::Duration;

use super::pcm::Pcm;
use super::signal::{amplitude, left, tone};
use super::world::World;
use crate::audio::{Config, Format, Interest, Role, SourceId, TICK};

#[test]
fn a_silent_attendee_is_never_decoded() {
    let mut world = World::new(Pcm, Config::default());
    let ids: Vec<_> = (0..100).map(|n| world.join(n)).collect();
    for _ in 0..100 {
        for id in &ids {
            assert_eq!(world.room.observe(*id, Some(127), world.now), Interest::Skip);
        }
        world.tick();
    }
    let stats = world.room.stats();
    assert_eq!((stats.decoded, stats.skipped, world.lanes()), (0, 10_000, 0));
    assert!(stats.encodes <= 5, "silence is not encoded: {stats:?}");
}

#[test]
fn silence_goes_out_every_400_ms() {
    let mut world = World::new(Pcm, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    for n in 0..50 {
        world.say(a, &tone(400.0, 0.3, n));
        world.tick();
    }
    // The talker's place and his last samples.
    world.pause(a, 30);
    for _ in 0..30 {
        world.tick();
    }
    let before = world.listeners[&b].sent;
    for _ in 0..200 {
        world.tick();
    }
    assert_eq!(world.listeners[&b].sent - before, 10);
    world.pause(a, 200);
    world.say(a, &tone(400.0, 0.3, 50));
    world.tick();
    let frame = world.room.frames().to(b).unwrap();
    assert!(frame.talkspurt && frame.payload.is_some());
}

#[test]
fn one_alone_gets_silence() {
    let mut world = World::new(Pcm, Config::default());
    let a = world.join(1);
    for n in 0..100 {
        world.say(a, &tone(400.0, 0.5, n));
        world.tick();
    }
    assert!(world.heard(a).iter().all(|sample| *sample == 0.0));
    assert!(world.room.stats().encodes <= 6, "{:?}", world.room.stats());
    assert!(world.room.mixed().iter().any(|sample| *sample != 0.0), "the tap hears everybody");
}

#[test]
fn each_talker_costs_one_encode_and_all_listeners_together_one() {
    let mut world = World::new(Pcm, Config::default());
    let ids: Vec<_> = (0..50).map(|n| world.join(n)).collect();
    for n in 0..100 {
        for (k, id) in ids.iter().enumerate().take(3) {
            world.say(*id, &tone(300.0 + 100.0 * k as f32, 0.2, n));
        }
        world.tick();
    }
    let stats = world.room.stats();
    assert_eq!(stats.encodes_last_tick, 4);
    assert_eq!(stats.personal_started, 3);
    let personal: Vec<_> = world.room.frames().personal().map(|(id, _)| id).collect();
    assert_eq!(personal, ids[..3]);
    assert_eq!(world.lanes(), 3);
}

#[test]
fn each_hears_the_others_exactly_as_loud_as_they_are() {
    let mut world = World::new(Pcm, Config::default());
    let ids: Vec<_> = (0..4).map(|n| world.join(n)).collect();
    let hertz = [440.0, 1000.0, 1700.0];
    for n in 0..100 {
        for (id, hertz) in ids.iter().zip(hertz) {
            world.say(*id, &tone(hertz, 0.2, n));
        }
        world.tick();
    }
    for (listener, id) in ids.iter().enumerate() {
        let heard = left(world.heard_last(*id, 50));
        for (talker, hertz) in hertz.iter().enumerate() {
            let expected = if talker == listener { 0.0 } else { 0.2 };
            assert!((amplitude(&heard, *hertz) - expected).abs() < 1e-4, "{listener} hears {talker}");
        }
    }
}

#[test]
fn who_stops_talking_returns_to_the_shared_encoder_after_300_ms() {
    let mut world = World::new(Pcm, Config::default());
    let (a, _, _) = (world.join(1), world.join(2), world.join(3));
    for n in 0..50 {
        world.say(a, &tone(400.0, 0.3, n));
        world.tick();
    }
    let mut ticks = 0;
    while world.room.frames().personal().next().is_some() {
        world.tick();
        ticks += 1;
        assert!(ticks < 50);
    }
    // 100 ms of concealment, a ramp, 300 ms of waiting.
    assert!((15..=25).contains(&ticks), "{ticks} ticks");
}

#[test]
fn only_the_loudest_are_decoded_and_a_little_louder_takes_no_place() {
    let mut world = World::new(Pcm, Config { max_talkers: 3, ..Config::default() });
    let ids: Vec<_> = (0..5).map(|n| world.join(n)).collect();
    let mut interests = Vec::new();
    let hear = |world: &mut World<Pcm>, levels: [u8; 5], ticks: u32| {
        let mut last = Vec::new();
        for _ in 0..ticks {
            world.tick();
            let now = world.now;
            last =
                ids.iter().zip(levels).map(|(id, level)| world.room.observe(*id, Some(level), now)).collect();
        }
        last
    };
    use Interest::{Decode, Skip};
    interests.push(hear(&mut world, [30, 30, 30, 127, 127], 30));
    interests.push(hear(&mut world, [30, 30, 30, 26, 127], 30));
    interests.push(hear(&mut world, [30, 30, 33, 20, 127], 30));
    interests.push(hear(&mut world, [127, 30, 127, 20, 127], 29));
    interests.push(hear(&mut world, [127, 30, 127, 20, 50], 2));
    interests.push(hear(&mut world, [127, 30, 127, 20, 127], 60));
    assert_eq!(interests[0], [Decode, Decode, Decode, Skip, Skip]);
    assert_eq!(interests[1], [Decode, Decode, Decode, Skip, Skip], "4 dB louder is not enough");
    assert_eq!(interests[2], [Decode, Decode, Skip, Decode, Skip], "13 dB louder is");
    assert_eq!(interests[3], [Decode, Decode, Skip, Decode, Skip], "the pause is short");
    assert_eq!(interests[4], [Skip, Decode, Skip, Decode, Decode], "but whoever speaks may have the place");
    assert_eq!(interests[5], [Skip, Decode, Skip, Decode, Skip], "and nobody keeps one in silence");
}

#[test]
fn without_levels_attendees_are_heard_all_the_same() {
    let mut world = World::new(Pcm, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    for n in 0..50 {
        let payload = world.code(a, &tone(400.0, 0.3, n));
        world.tick();
        let now = world.now;
        assert_eq!(world.room.observe(a, None, now), Interest::Decode);
        world.room.packet(a, n as u64, n as u32 * 960, &payload, Format::Plain, now);
    }
    assert!((amplitude(&left(world.heard_last(b, 20)), 400.0) - 0.3).abs() < 0.01);
}

#[test]
fn the_muted_and_those_who_may_not_send_are_not_heard() {
    let mut world = World::new(Pcm, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    let talk = |world: &mut World<Pcm>, frames: std::ops::Range<usize>| {
        for n in frames {
            world.say(a, &tone(400.0, 0.3, n));
            world.tick();
        }
        amplitude(&left(world.heard_last(b, 10)), 400.0)
    };
    assert!(talk(&mut world, 0..30) > 0.29);
    world.room.set_muted(a, true);
    assert!(talk(&mut world, 30..60) < 1e-4);
    assert_eq!(world.room.levels(world.now).map(|v| (v.volume, v.speaking)).next(), Some((42, false)));
    world.room.set_muted(a, false);
    assert!(talk(&mut world, 60..90) > 0.29);
    world.room.set_capabilities(a, false, true);
    assert!(talk(&mut world, 90..120) < 1e-4);
    world.room.set_capabilities(a, true, true);
    assert!(talk(&mut world, 120..150) > 0.29);
    world.room.set_capabilities(b, true, false);
    assert_eq!(world.room.frames().to(b), None);
}

#[test]
fn a_screen_share_is_heard_by_all_but_its_owner_and_hears_nothing() {
    let mut world = World::new(Pcm, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    let share = world.join_as(3, Role::Content { owner: Some(a) });
    for n in 0..60 {
        let stereo: Vec<f32> = tone(700.0, 0.4, n)
            .iter()
            .zip(tone(900.0, 0.2, n))
            .flat_map(|(left, right)| [*left, right])
            .collect();
        world.say(share, &stereo);
        world.say(b, &tone(400.0, 0.3, n));
        world.tick();
    }
    let heard = |id| left(world.heard_last(id, 25));
    assert!((amplitude(&heard(b), 700.0) - 0.4).abs() < 0.01);
    assert!(amplitude(&heard(b), 900.0) < 1e-3, "the right side stays right");
    assert!(amplitude(&heard(b), 400.0) < 1e-3);
    assert!(amplitude(&heard(a), 700.0) < 1e-3);
    assert!((amplitude(&heard(a), 400.0) - 0.3).abs() < 0.01);
    assert_eq!(world.room.frames().to(share), None);
    assert_eq!(world.room.levels(world.now).count(), 2, "attendees only");
}

#[test]
fn levels_are_those_of_the_metadata() {
    let mut world = World::new(Pcm, Config::default());
    let ids = [world.join(1), world.join(2), world.join(3)];
    for _ in 0..100 {
        for (id, level) in ids.iter().zip([5, 30, 127]) {
            world.room.observe(*id, Some(level), world.now);
        }
        world.tick();
    }
    let now = world.now;
    let levels: Vec<_> = world.room.levels(now).map(|v| (v.volume, v.speaking)).collect();
    assert_eq!(levels, [(14, true), (30, true), (42, false)]);
    let later: Vec<_> = world.room.levels(now + Duration::from_secs(1)).map(|v| v.volume).collect();
    assert_eq!(later, [42, 42, 42]);
}

#[test]
fn garbage_is_counted_and_goes_no_further() {
    let mut world = World::new(Pcm, Config::default());
    let a = world.join(1);
    for n in 0..20_u32 {
        world.room.observe(a, Some(10), world.now);
        world.room.packet(a, n.into(), n * 960, &[9, 9], Format::Plain, world.now);
        world.room.packet(a, n.into(), n * 960, &[0xff, 0], Format::Red, world.now);
        world.tick();
    }
    assert_eq!(world.room.stats().dropped, 40);
    assert_eq!(world.room.observe(SourceId(77), Some(0), world.now), Interest::Skip);
}

#[test]
fn a_steady_tick_allocates_nothing() {
    let mut world = World::new(Pcm, Config::default());
    let ids: Vec<_> = (0..100).map(|n| world.join(n)).collect();
    let payloads: Vec<_> = ids.iter().take(3).map(|id| world.code(*id, &tone(400.0, 0.2, 0))).collect();
    let mut counted = 0;
    for n in 0..200_u32 {
        world.now += TICK;
        let (room, now) = (&mut world.room, world.now);
        let allocated = allocation_counter::measure(|| {
            for id in &ids {
                room.observe(*id, Some(if id.0 < 3 { 20 } else { 127 }), now);
            }
            for (id, payload) in ids.iter().zip(&payloads) {
                room.packet(*id, n.into(), n * 960, payload, Format::Plain, now);
            }
            room.tick(now);
            let frames = room.frames();
            for id in &ids {
                assert!(frames.to(*id).is_some());
            }
        });
        if n >= 50 {
            counted += allocated.count_total;
        }
    }
    assert_eq!(counted, 0);
}
