//! What whoever records a meeting gets.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::SECOND;
use crate::client::{Config, Show};
use crate::ids::Capabilities;
use crate::tap::{Tap, TappedPacket};
use crate::testing::World;

#[derive(Debug, Default)]
struct Recorded {
    frames: usize,
    heard: usize,
    packets: Vec<(String, u64)>,
}

#[derive(Clone, Debug, Default)]
struct Recorder(Arc<Mutex<Recorded>>);

impl Tap for Recorder {
    fn audio(&mut self, _: Instant, mix: &[f32]) {
        let mut recorded = self.0.lock().unwrap();
        recorded.frames += 1;
        recorded.heard += usize::from(mix.iter().any(|sample| *sample != 0.0));
    }

    fn content(&mut self, _: Instant, packet: &TappedPacket<'_>) {
        self.0.lock().unwrap().packets.push((packet.attendee.name(), packet.index));
    }
}

#[test]
fn a_tap_gets_the_mix_without_a_gap_and_content_without_cameras() {
    let mut world = World::new(31);
    let recorder = Recorder::default();
    world.meeting.set_tap(Some(Box::new(recorder.clone())));
    let (ann, bob) = (world.join("ann"), world.join("bob"));
    let content = world.join_as(Config::new("ann#content", 5), Capabilities::default());
    world.run(SECOND);
    let now = world.now;
    world.client(content).show(now, Show::single(600));
    world.client(bob).show(now, Show::single(600));
    world.run(SECOND);
    assert_eq!(recorder.0.lock().unwrap().heard, 0, "nobody has said anything");
    let before = recorder.0.lock().unwrap().frames;
    world.actor(ann).talks = true;
    world.run(2 * SECOND);
    let recorded = recorder.0.lock().unwrap();
    assert!((99..=101).contains(&(recorded.frames - before)), "{}", recorded.frames - before);
    assert!(recorded.heard > 80, "{}", recorded.heard);
    assert!(recorded.packets.len() > 50 && recorded.packets.iter().all(|(whose, _)| whose == "ann#content"));
    let mut numbers: Vec<_> = recorded.packets.iter().map(|(_, index)| *index).collect();
    numbers.sort_unstable();
    assert!(numbers.is_sorted_by(|one, other| one < other), "a packet came twice");
}
