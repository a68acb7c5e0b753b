//! Sounds to send and ways to measure what arrives.

use std::f32::consts::TAU;

use crate::audio::FRAME;

/// A tone, continuous over frames.
pub(super) fn tone(hertz: f32, amplitude: f32, frame: usize) -> Vec<f32> {
    (0..FRAME)
        .map(|i| {
            let t = (frame * FRAME + i) as f64 / 48_000.0;
            amplitude * ((std::f64::consts::TAU * f64::from(hertz) * t).sin() as f32)
        })
        .collect()
}

/// Harmonics in syllables, four in a second: Opus' detector takes it for a voice.
pub(super) fn voice(pitch: f32, amplitude: f32, frame: usize) -> Vec<f32> {
    (0..FRAME)
        .map(|i| {
            let t = (frame * FRAME + i) as f32 / 48_000.0;
            let swell = (0.5 + 0.5 * (TAU * 4.0 * t).sin()).powi(2);
            let sum: f32 = (1..10).map(|k| (TAU * pitch * k as f32 * t).sin() / k as f32).sum();
            amplitude * 0.5 * swell * sum
        })
        .collect()
}

/// The amplitude of one frequency (Goertzel).
pub(super) fn amplitude(pcm: &[f32], hertz: f32) -> f32 {
    let (mut re, mut im) = (0.0_f64, 0.0_f64);
    for (n, sample) in pcm.iter().enumerate() {
        let phase = std::f64::consts::TAU * f64::from(hertz) * n as f64 / 48_000.0;
        // A Hann window keeps the other tones out.
        let window = 0.5 - 0.5 * (std::f64::consts::TAU * n as f64 / pcm.len() as f64).cos();
        re += window * f64::from(*sample) * phase.cos();
        im += window * f64::from(*sample) * phase.sin();
    }
    (4.0 * re.hypot(im) / pcm.len() as f64) as f32
}

pub(super) fn decibel(ratio: f32) -> f32 {
    20.0 * ratio.max(1e-9).log10()
}

pub(super) fn snr(reference: &[f32], other: &[f32]) -> f32 {
    let signal: f32 = reference.iter().map(|x| x * x).sum();
    let noise: f32 = reference.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
    10.0 * (signal.max(1e-12) / noise.max(1e-12)).log10()
}

/// One of the two channels.
pub(super) fn left(stereo: &[f32]) -> Vec<f32> {
    stereo.as_chunks::<2>().0.iter().map(|[left, _]| *left).collect()
}
