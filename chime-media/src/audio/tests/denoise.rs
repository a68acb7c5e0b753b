//! Noise suppression, where it is built in.

use super::pcm::Pcm;
use super::signal::left;
use super::world::World;
use crate::audio::{Config, FRAME};

#[test]
fn noise_is_taken_out_where_asked_for() {
    let heard = |noise_suppression: bool| {
        let mut world = World::new(Pcm, Config { noise_suppression, ..Config::default() });
        let (a, b) = (world.join(1), world.join(2));
        let (mut seed, mut low) = (5_u32, 0.0_f32);
        for _ in 0..150 {
            // A room hums: most of its noise is low. White noise is hardly taken out, as it is in no room.
            let noise: Vec<f32> = (0..FRAME)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let white = ((seed >> 16) as f32 / 32_768.0 - 1.0) * 0.1;
                    low += 0.1 * (white - low);
                    low
                })
                .collect();
            world.say(a, &noise);
            world.tick();
        }
        left(world.heard_last(b, 50)).iter().map(|x| x * x).sum::<f32>()
    };
    let (with, without) = (heard(true), heard(false));
    assert!(with * 10.0 < without, "{with} of {without}");
}
