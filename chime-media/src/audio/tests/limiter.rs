//! The sum never leaves full scale, and loudness comes back.

use proptest::prelude::*;

use super::signal::tone;
use crate::audio::limiter::{CEILING, Limiter, peak};
use crate::audio::mix::{self, Part};
use crate::audio::{Channels, FRAME};

proptest! {
    #[test]
    fn five_talkers_at_full_scale_never_clip(
        pitches in prop::collection::vec(60.0_f32..8000.0, 5),
        bursts in prop::collection::vec(prop::collection::vec(any::<bool>(), 5), 1..40),
    ) {
        let mut limiter = Limiter::new();
        for (frame, on) in bursts.iter().enumerate() {
            let mut sum = vec![0.0; 2 * FRAME];
            for (pitch, _) in pitches.iter().zip(on).filter(|(_, on)| **on) {
                let pcm = tone(*pitch, 1.0, frame);
                mix::add(&mut sum, Channels::Stereo, Part { channels: Channels::Mono, pcm: &pcm });
            }
            limiter.apply(&mut sum, 2);
            prop_assert!(peak(&sum) <= CEILING);
        }
    }

    #[test]
    fn noise_of_any_size_never_clips(samples in prop::collection::vec(-1e6_f32..1e6, FRAME)) {
        let mut limiter = Limiter::new();
        for _ in 0..3 {
            let mut pcm = samples.clone();
            limiter.apply(&mut pcm, 1);
            prop_assert!(peak(&pcm) <= CEILING);
        }
    }
}

#[test]
fn what_fits_is_not_touched() {
    let mut limiter = Limiter::new();
    let pcm = tone(440.0, 0.9, 3);
    let mut limited = pcm.clone();
    limiter.apply(&mut limited, 1);
    assert_eq!(limited, pcm);
}

#[test]
fn the_gain_recovers_within_a_second() {
    let mut limiter = Limiter::new();
    let mut loud = tone(440.0, 4.0, 0);
    limiter.apply(&mut loud, 1);
    let mut soft = tone(440.0, 0.2, 1);
    limiter.apply(&mut soft, 1);
    assert!(peak(&soft) < 0.1, "it does not jump: {}", peak(&soft));
    for frame in 2..52 {
        soft = tone(440.0, 0.2, frame);
        limiter.apply(&mut soft, 1);
    }
    assert!(peak(&soft) > 0.198, "{}", peak(&soft));
}

#[test]
fn a_steady_sum_is_scaled_and_not_cut() {
    let mut limiter = Limiter::new();
    let mut pcm = Vec::new();
    for frame in 0..50 {
        pcm = tone(440.0, 3.0, frame);
        limiter.apply(&mut pcm, 1);
    }
    let reference = tone(440.0, CEILING, 49);
    assert!(super::signal::snr(&reference, &pcm) > 30.0);
}
