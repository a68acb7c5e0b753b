//! A voice that is heard alone is passed on as it came, and nobody hears where that begins and ends.

use std::time::Duration;

use super::signal::{decibel, left, tone, voice};
use super::world::World;
use crate::audio::{Config, Format, Opus, Role, SourceId};

/// Says a frame, and tells whether a listener is given it as it was coded.
fn passed(world: &mut World<Opus>, from: SourceId, pcm: &[f32], to: SourceId) -> bool {
    let packet = world.code(from, pcm);
    world.send(from, packet.clone(), 960, Format::Plain, Some(Duration::ZERO));
    world.tick();
    world.room.frames().to(to).unwrap().payload == Some(&packet[..])
}

/// A world whose senders code as browsers do.
fn world(config: Config) -> World<Opus> {
    let mut world = World::new(Opus, config);
    world.fec_percent = 1;
    world
}

#[test]
fn a_voice_alone_is_passed_on_as_it_came_from_its_beginning() {
    let mut world = world(Config::default());
    let (a, b, c) = (world.join(1), world.join(2), world.join(3));
    // The buffer gives the first when the delay that it wants has passed.
    let _first = passed(&mut world, a, &voice(120.0, 0.5, 0), b);
    // He himself is told of the silence for a while.
    let before = world.room.stats().encodes;
    let count = (1..200).filter(|n| passed(&mut world, a, &voice(120.0, 0.5, *n), b)).count();
    assert!(count > 195, "{count} of 199");
    let stats = world.room.stats();
    assert!(stats.passed > 195 && stats.encodes - before <= 12, "{stats:?}");
    let frames = world.room.frames();
    assert_eq!(frames.to(b), frames.to(c));
    assert_ne!(frames.to(a), frames.to(b), "but not to himself");
    assert!(world.heard(a).iter().all(|sample| sample.abs() < 1e-3));
    assert!(world.heard_last(b, 100).iter().any(|sample| sample.abs() > 0.1));
}

#[test]
fn what_is_not_one_whole_voice_is_coded_anew() {
    let alone = |world: &mut World<Opus>, a, b, from: usize| {
        (from..from + 100).filter(|n| passed(world, a, &voice(120.0, 0.5, *n), b)).count()
    };
    for (case, config) in [
        ("not asked for", Config { pass_alone: false, ..Config::default() }),
        ("lossy", Config::default()),
        ("content", Config::default()),
    ] {
        let mut world = world(config);
        let b = world.join(2);
        let a =
            if case == "content" { world.join_as(1, Role::Content { owner: None }) } else { world.join(1) };
        if case == "lossy" {
            let c = world.join(3);
            world.room.set_loss(c, 0.02);
        }
        if case == "content" {
            for n in 0..100 {
                let stereo: Vec<f32> = tone(300.0, 0.3, n).into_iter().flat_map(|x| [x, x]).collect();
                assert!(!passed(&mut world, a, &stereo, b));
            }
        } else {
            assert_eq!(alone(&mut world, a, b, 0), 0, "{case}");
        }
        assert_eq!(world.room.stats().passed, 0, "{case}");
        assert!(world.heard_last(b, 50).iter().any(|sample| sample.abs() > 0.1), "{case}: it is heard");
    }
}

#[test]
fn a_second_voice_ends_it_at_once_and_a_quiet_moment_long_after_brings_it_back() {
    let mut world = world(Config::default());
    let (a, b, c) = (world.join(1), world.join(2), world.join(3));
    let mut log = Vec::new();
    for n in 0..400 {
        if (100..150).contains(&n) {
            world.say(b, &voice(210.0, 0.4, n));
        } else {
            world.pause(b, 1);
        }
        log.push(passed(&mut world, a, &voice(120.0, 0.5, n), c));
    }
    assert!(log[10..100].iter().all(|passed| *passed), "{log:?}");
    // The place of B is kept for 600 ms; what he said last is played within two ticks.
    assert!(log[102..150].iter().all(|passed| !passed), "{log:?}");
    let back = (150..400).find(|n| log[*n]).unwrap();
    assert!((175..230).contains(&back), "{back}: half a second alone, then a pause of 250 ms at most");
    assert!(log[back..].iter().all(|passed| *passed), "{log:?}");
}

#[test]
fn what_is_lost_on_the_senders_way_is_no_loss_for_the_listeners() {
    let mut world = world(Config::default());
    let (a, b) = (world.join(1), world.join(2));
    for n in 0..100 {
        passed(&mut world, a, &voice(120.0, 0.5, n), b);
    }
    let (sent, before) = (world.listeners[&b].sent, *world.room.stats());
    for n in 100..200 {
        world.say_over(a, &voice(120.0, 0.5, n), (n % 20 != 7).then_some(Duration::ZERO));
        world.tick();
    }
    let stats = world.room.stats();
    assert_eq!(world.listeners[&b].sent - sent, 100, "a frame in each tick");
    assert!(
        stats.recovered_fec + stats.concealed - before.recovered_fec - before.concealed >= 5,
        "{stats:?}"
    );
    assert!(stats.encodes - before.encodes >= 5, "{stats:?}");
    assert!(stats.passed - before.passed >= 20, "and it comes back: {stats:?}");
}

#[test]
fn nobody_hears_where_it_begins_and_ends() {
    let heard = |pass_alone: bool| {
        let mut world = world(Config { pass_alone, ..Config::default() });
        let (a, b, c) = (world.join(1), world.join(2), world.join(3));
        for n in 0..500 {
            // B says something short now and then, which ends it; A makes a pause, after which it begins anew.
            if n % 150 > 130 && n < 409 {
                world.say(b, &voice(210.0, 0.1, n));
            } else {
                world.pause(b, 1);
            }
            if (409..450).contains(&n) {
                world.pause(a, 1);
            } else {
                world.say(a, &voice(120.0, 0.5, n));
            }
            world.tick();
        }
        ([b, c].map(|listener| left(world.heard(listener))), *world.room.stats())
    };
    let ((calm, never), (moved, stats)) = (heard(false), heard(true));
    assert_eq!(never.passed, 0);
    assert!((150..400).contains(&stats.passed), "{stats:?}");
    for (calm, moved) in calm.iter().zip(&moved) {
        is_as_smooth(calm, moved);
    }
}

/// Neither louder or quieter anywhere nor with a click.
fn is_as_smooth(calm: &[f32], moved: &[f32]) {
    // What is passed on comes earlier than what is coded once more, by Opus' look-ahead of 6.5 ms.
    let energy = |pcm: &[f32], from: usize| pcm[from..][..960].iter().map(|x| x * x).sum::<f32>();
    for n in 5..495 {
        let moved = energy(moved, n * 960);
        let off = [0, 312].map(|ahead| energy(calm, n * 960 + ahead)).map(|calm| {
            // In pauses there is noise of the coders alone.
            if calm > 0.5 { (decibel(moved / calm) / 2.0).abs() } else { 0.0 }
        });
        assert!(off[0].min(off[1]) < 2.0, "{off:?} dB in frame {n}");
    }
    let step = |pcm: &[f32]| pcm.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    let ratio = step(moved) / step(calm);
    assert!(ratio < 1.3, "largest step {ratio} times that of the mix");
}

#[test]
fn what_was_played_last_is_not_passed_on_again_when_the_voice_breaks_off() {
    for muted in [true, false] {
        let mut world = world(Config::default());
        let (a, b) = (world.join(1), world.join(2));
        let mut last = Vec::new();
        for n in 0..60 {
            last = world.code(a, &voice(120.0, 0.5, n));
            world.send(a, last.clone(), 960, Format::Plain, Some(Duration::ZERO));
            world.tick();
        }
        assert!(world.room.stats().passed > 50);
        if muted {
            world.room.set_muted(a, true);
        }
        let mut again = 0;
        for _ in 0..20 {
            world.pause(a, 1);
            world.tick();
            again += usize::from(world.room.frames().to(b).unwrap().payload == Some(&last[..]));
        }
        assert!(again <= usize::from(!muted), "{again} times; muted: {muted}");
    }
}
