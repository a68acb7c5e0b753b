//! The change-over from the shared encoder to one's own and back is not to be heard.

use super::signal::{left, snr, tone, voice};
use super::world::World;
use crate::audio::{Config, Opus, Role};

/// A speaks all the time. B listens, speaks from frame 150 to 250 if `joins_in`, listens again. What B hears of A.
fn hears(joins_in: bool, both: bool) -> (Vec<f32>, u64) {
    let mut world = World::new(Opus, Config::default());
    let (a, b) = (world.join(1), world.join(2));
    if !both {
        // Somebody who listens keeps the shared encoder at work.
        world.join(3);
    }
    for n in 0..400 {
        world.say(a, &voice(130.0, 0.4, n));
        if joins_in && (150..250).contains(&n) {
            world.say(b, &tone(777.0, 0.3, n));
        } else {
            world.pause(b, 1);
        }
        world.tick();
    }
    (left(world.heard(b)), world.room.stats().personal_started)
}

/// The largest step between neighbouring samples.
fn step(pcm: &[f32]) -> f32 {
    pcm.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

fn residual(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

#[test]
fn who_starts_and_stops_talking_hears_no_change() {
    let (calm, one) = hears(false, false);
    let (moved, two) = hears(true, false);
    assert_eq!((one, two), (1, 2), "B had an encoder of his own");
    let part = |from: usize, to: usize| snr(&calm[from * 960..to * 960], &moved[from * 960..to * 960]);
    assert!(part(100, 150) > 60.0);
    assert!(part(150, 160) > 60.0, "start: {}", part(150, 160));
    // After that the two are coded by encoders with different pasts, whose coding noise differs. A click would stand out
    // of that noise where the change is, between frames 265 and 280.
    let noise = |frames: std::ops::Range<usize>| {
        frames.map(|n| residual(&calm[n * 960..][..960], &moved[n * 960..][..960])).fold(0.0, f32::max)
    };
    let (change, ever) = (noise(258..290), noise(300..400));
    assert!(change < 1.6 * ever, "{change} at the change, {ever} otherwise");
    let ratio = step(&moved[140 * 960..]) / step(&calm[140 * 960..]);
    assert!((0.9..1.1).contains(&ratio), "largest step {ratio} times that of no change");
}

#[test]
fn of_two_alone_the_shared_encoder_goes_on_where_the_personal_one_stood() {
    let (calm, _) = hears(false, true);
    let (moved, _) = hears(true, true);
    let part = |from: usize, to: usize| snr(&calm[from * 960..to * 960], &moved[from * 960..to * 960]);
    assert!(part(150, 400) > 60.0, "{}", part(150, 400));
}

#[test]
fn to_prepare_for_loss_is_not_heard() {
    let hears = |losing: std::ops::Range<usize>| {
        let mut world = World::new(Opus, Config::default());
        let (a, b) = (world.join(1), world.join(2));
        let mut by_transform = Vec::new();
        for n in 0..400 {
            world.room.set_loss(b, if losing.contains(&n) { 0.05 } else { 0.0 });
            world.say(a, &voice(130.0, 0.4, n));
            world.tick();
            let frame = world.room.frames().to(b).unwrap();
            // RFC 6716, section 3.1: configurations from 16 on are of CELT alone.
            by_transform.extend(frame.payload.and_then(|payload| payload.first()).map(|toc| toc >> 3 >= 16));
        }
        (left(world.heard(b)), by_transform)
    };
    let (calm, modes) = hears(0..0);
    assert!(modes.iter().all(|by_transform| *by_transform), "{modes:?}");
    let (moved, modes) = hears(150..250);
    let changes: Vec<usize> = (1..modes.len()).filter(|n| modes[*n] != modes[n - 1]).collect();
    assert!(
        matches!(changes[..], [to, back] if to.abs_diff(150) < 8 && back.abs_diff(256) < 12),
        "{changes:?}"
    );
    let energy = |pcm: &[f32], frame: usize| pcm[frame * 960..][..960].iter().map(|x| x * x).sum::<f32>();
    for n in 20..395 {
        let (moved, calm) = (energy(&moved, n), energy(&calm, n));
        // In the pauses there is noise of the coders alone.
        let ratio = if calm > 0.1 { moved / calm } else { 1.0 };
        assert!((0.7..1.4).contains(&ratio), "{ratio} times as loud in frame {n}; changes at {changes:?}");
    }
    let ratio = step(&moved[20 * 960..]) / step(&calm[20 * 960..]);
    assert!((0.8..1.2).contains(&ratio), "largest step {ratio} times that of no change");
}

#[test]
fn that_a_share_begins_to_sound_and_ends_is_not_heard_in_a_voice() {
    let hears = |sounding: std::ops::Range<usize>| {
        let mut world = World::new(Opus, Config::default());
        let (a, b) = (world.join(1), world.join(2));
        let share = world.join_as(3, Role::Content { owner: None });
        let mut stereo = Vec::new();
        for n in 0..400 {
            world.say(a, &voice(130.0, 0.4, n));
            if sounding.contains(&n) {
                // So softly that it is not much beside the voice.
                let both: Vec<f32> = tone(500.0, 0.002, n).iter().flat_map(|x| [*x, 0.0]).collect();
                world.say(share, &both);
            } else {
                world.pause(share, 1);
            }
            world.tick();
            let frame = world.room.frames().to(b).unwrap();
            // RFC 6716, section 3.1: the bit of stereo.
            stereo.extend(frame.payload.and_then(|payload| payload.first()).map(|toc| toc & 4 != 0));
        }
        (left(world.heard(b)), stereo)
    };
    let (calm, stereo) = hears(0..0);
    assert!(!stereo.contains(&true), "speech is mono");
    let (moved, stereo) = hears(150..250);
    let changes: Vec<usize> = (1..stereo.len()).filter(|n| stereo[*n] != stereo[n - 1]).collect();
    assert!(
        matches!(changes[..], [to, back] if to.abs_diff(150) < 5 && back.abs_diff(305) < 10),
        "{changes:?}"
    );
    let energy = |pcm: &[f32], frame: usize| pcm[frame * 960..][..960].iter().map(|x| x * x).sum::<f32>();
    for n in 20..395 {
        let (moved, calm) = (energy(&moved, n), energy(&calm, n));
        let ratio = if calm > 0.1 { moved / calm } else { 1.0 };
        assert!((0.7..1.4).contains(&ratio), "{ratio} times as loud in frame {n}; changes at {changes:?}");
    }
    for part in [145..175, *changes.last().unwrap() - 10..*changes.last().unwrap() + 20] {
        let ratio = step(&moved[part.start * 960..part.end * 960]) / step(&calm[20 * 960..]);
        assert!(ratio < 1.2, "largest step {ratio} times that of no change; changes at {changes:?}");
    }
}

#[test]
fn the_voice_of_one_who_starts_is_whole_for_those_who_listen() {
    let mut world = World::new(Opus, Config::default());
    let (a, _, c) = (world.join(1), world.join(2), world.join(3));
    for n in 0..200 {
        if n >= 100 {
            world.say(a, &tone(600.0, 0.3, n));
        } else {
            world.pause(a, 1);
        }
        world.tick();
    }
    let heard = left(world.heard(c));
    let quiet = heard[..100 * 960].iter().fold(0.0_f32, |peak, x| x.abs().max(peak));
    assert!(quiet < 1e-3);
    let energy = |frame: usize| heard[frame * 960..][..960].iter().map(|x| x * x).sum::<f32>();
    assert!(energy(102) > 0.5 * energy(150), "there within 40 ms of its beginning");
}
