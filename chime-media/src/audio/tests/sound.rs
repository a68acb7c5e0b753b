//! What is heard through real Opus: the right voices at the right level, with and without loss.

use std::time::Duration;

use super::signal::{amplitude, decibel, left, tone, voice};
use super::world::World;
use crate::audio::{Config, FRAME, Opus, Role, SourceId, Stats};

#[test]
fn med_02_each_hears_the_other_two_at_their_level_and_not_himself() {
    let mut world = World::new(Opus, Config::default());
    let ids: Vec<_> = (0..4).map(|n| world.join(n)).collect();
    let hertz = [440.0, 1000.0, 1700.0];
    for n in 0..200 {
        for (id, hertz) in ids.iter().zip(hertz) {
            world.say(*id, &tone(hertz, 0.2, n));
        }
        world.tick();
    }
    for (listener, id) in ids.iter().enumerate() {
        let heard = left(world.heard_last(*id, 100));
        for (talker, hertz) in hertz.iter().enumerate() {
            let level = decibel(amplitude(&heard, *hertz) / 0.2);
            if talker == listener {
                assert!(level < -40.0, "{listener} hears himself at {level} dB");
            } else {
                assert!(level.abs() < 2.5, "{listener} hears {talker} at {level} dB");
            }
        }
    }
}

#[test]
fn med_13_a_screen_share_is_stereo_and_as_good_as_it_was_sent() {
    let mut world = World::new(Opus, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    let share = world.join_as(3, Role::Content { owner: Some(a) });
    let mut most = 0;
    for n in 0..200 {
        let stereo: Vec<f32> =
            tone(500.0, 0.3, n).iter().zip(tone(6000.0, 0.2, n)).flat_map(|(l, r)| [*l, r]).collect();
        world.say(share, &stereo);
        world.tick();
        most = most.max(world.room.frames().to(b).unwrap().payload.map_or(0, <[u8]>::len));
    }
    let heard = world.heard_last(b, 100);
    let right: Vec<f32> = heard.as_chunks::<2>().0.iter().map(|[_, right]| *right).collect();
    assert!(decibel(amplitude(&left(heard), 500.0) / 0.3).abs() < 0.5);
    assert!(decibel(amplitude(&right, 6000.0) / 0.2).abs() < 0.5);
    assert!(amplitude(&left(heard), 6000.0) < 0.01);
    assert!(amplitude(&right, 500.0) < 0.01);
    assert!(most > 200, "about 320 bytes at 128 kbit/s: {most}");
    assert!(world.heard(a).iter().all(|sample| sample.abs() < 1e-3), "its owner does not hear it");
}

/// What is heard of a voice when so many of 1000 packets are lost on the way to the mix.
fn lossy(per_mille: u32, fec_percent: u8) -> (Vec<f32>, Stats) {
    let mut world = World::new(Opus, Config::default());
    world.fec_percent = fec_percent;
    let (a, b) = (world.join(1), world.join(2));
    let mut seed = 11_u32;
    for n in 0..1000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let lost = n > 100 && (seed >> 8) % 1000 < per_mille;
        // Lost ones are replaced; the very first show the delay.
        let delay = (!lost).then_some(Duration::ZERO);
        world.say_over(a, &voice(90.0 + (n % 37) as f32, 0.5, n), delay);
        world.tick();
    }
    (left(world.heard(b)), *world.room.stats())
}

/// The share of 20 ms frames, in per cent, that are 10 dB or more too quiet: drop-outs. Loss adds up to three frames of
/// delay, so the quietest of so many is the measure.
fn dropouts(heard: &[f32], whole: &[f32]) -> usize {
    let energies = |pcm: &[f32]| -> Vec<f32> {
        pcm.chunks_exact(FRAME).map(|frame| frame.iter().map(|x| x * x).sum()).collect()
    };
    let (heard, whole) = (energies(heard), energies(whole));
    let counted = 200..heard.len();
    let least = |n: usize| whole[n - 3..=n].iter().copied().fold(f32::MAX, f32::min);
    let bad = counted.clone().filter(|n| heard[*n] * 10.0 < least(*n)).count();
    bad * 100 / counted.len()
}

#[test]
fn with_fec_loss_is_repaired() {
    let (whole, stats) = lossy(0, 20);
    assert_eq!((stats.concealed, stats.late), (0, 0));
    for (per_mille, made_up, repaired, allowed) in [(50, 15, 35, 1), (200, 90, 90, 3)] {
        let (heard, stats) = lossy(per_mille, 20);
        let (_, bare) = lossy(per_mille, 0);
        assert!(stats.recovered_fec >= repaired, "{per_mille}: {stats:?}");
        assert!(stats.concealed <= made_up, "{per_mille}: {stats:?}");
        assert_eq!(bare.recovered_fec, 0);
        assert!(bare.concealed > stats.concealed, "{per_mille}: {stats:?} {bare:?}");
        let quiet = dropouts(&heard, &whole);
        assert!(quiet <= allowed, "{per_mille}: {quiet}% drop-outs");
    }
}

#[test]
fn fec_follows_the_worst_listener() {
    let mut world = World::new(Opus, Config::default());
    let a = world.join(1);
    let others: Vec<_> = (2..6).map(|n| world.join(n)).collect();
    let has_fec = |world: &mut World<Opus>, to: SourceId, from: usize| {
        (from..from + 60)
            .filter(|n| {
                world.say(a, &voice(120.0, 0.5, *n));
                world.tick();
                let frame = world.room.frames().to(to).unwrap();
                frame.payload.is_some_and(chime_opus::has_fec)
            })
            .count()
    };
    assert_eq!(has_fec(&mut world, others[0], 0), 0);
    world.room.set_loss(others[3], 0.2);
    let with = has_fec(&mut world, others[0], 60);
    assert!(with > 40, "{with} of 60");
    world.room.set_loss(others[3], 0.0);
    let after = has_fec(&mut world, others[0], 120);
    assert!(after > 40, "{after} of 60: one good report does not make a good network");
    for _ in 0..6 {
        world.room.set_loss(others[3], 0.0);
    }
    let after = has_fec(&mut world, others[0], 180);
    assert!(after < 5, "{after} of 60");
}
