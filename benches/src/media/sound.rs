//! What attendees say: coded beforehand, but for the one whose bursts are timed.

use std::f32::consts::TAU;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use chime_opus::{Channels, Decoder, Encoder, Signal};

/// Samples of 20 ms.
const FRAME: usize = 960;
/// Frames of a loop.
const LOOP: usize = 50;
/// Frames of a burst.
const BURST: usize = 4;
/// Loudness of a frame that counts as a burst.
const LOUD: f32 = 0.06;

/// Frames that are said over and over.
#[derive(Debug)]
pub struct Loop {
    frames: Vec<Vec<u8>>,
    /// As RFC 6464 has it.
    pub level: u8,
}

impl Loop {
    /// A voice-like tone with harmonics.
    ///
    /// # Errors
    ///
    /// When the codec cannot be made.
    pub fn tone(hertz: f32) -> Result<Self> {
        let sample = |at: usize| {
            let phase = at as f32 * hertz * TAU / 48_000.0;
            let swell = 0.6 + 0.4 * (at as f32 * 4.0 * TAU / 48_000.0).sin();
            swell * (0.12 * phase.sin() + 0.06 * (2.0 * phase).sin() + 0.03 * (3.0 * phase).sin())
        };
        Ok(Self { frames: coded(sample)?, level: 20 })
    }

    /// The noise of a quiet room.
    ///
    /// # Errors
    ///
    /// When the codec cannot be made.
    pub fn quiet() -> Result<Self> {
        let mut seed = 1_u32;
        let sample = move |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) as f32 / 32_768.0 - 1.0) * 0.000_3
        };
        Ok(Self { frames: coded(sample)?, level: 75 })
    }

    /// The frame of a place.
    #[must_use]
    pub fn frame(&self, at: usize) -> &[u8] {
        self.frames.get(at % LOOP).map_or(&[], Vec::as_slice)
    }
}

fn encoder() -> Result<Encoder> {
    let mut encoder = Encoder::new(Channels::Mono).map_err(|error| anyhow!("{error}"))?;
    encoder.set_bitrate(32_000).map_err(|error| anyhow!("{error}"))?;
    // Tones stand for voices, and are to be coded as these.
    encoder.set_signal(Signal::Voice).map_err(|error| anyhow!("{error}"))?;
    Ok(encoder)
}

fn coded(mut sample: impl FnMut(usize) -> f32) -> Result<Vec<Vec<u8>>> {
    let mut encoder = encoder()?;
    let mut frames = Vec::new();
    for frame in 0..LOOP {
        let pcm: Vec<f32> = (0..FRAME).map(|at| sample(frame * FRAME + at)).collect();
        frames.push(code(&mut encoder, &pcm)?);
    }
    Ok(frames)
}

fn code(encoder: &mut Encoder, pcm: &[f32]) -> Result<Vec<u8>> {
    let mut out = [0; 1275];
    let length = encoder.encode(pcm, &mut out).map_err(|error| anyhow!("{error}"))?;
    Ok(out.get(..length).unwrap_or_default().to_vec())
}

/// A talker who is loud now and then.
#[derive(Debug)]
pub struct Bursts {
    encoder: Encoder,
    at: usize,
    frame: usize,
    /// Frames from one burst to the next.
    every: usize,
    /// When the last one began.
    pub began: Option<Instant>,
}

impl Bursts {
    /// One burst every so many frames.
    ///
    /// # Errors
    ///
    /// When the codec cannot be made.
    pub fn new(every: usize) -> Result<Self> {
        Ok(Self { encoder: encoder()?, at: 0, frame: 0, every, began: None })
    }

    /// The next frame and its level.
    ///
    /// # Errors
    ///
    /// When it cannot be coded.
    pub fn next(&mut self, now: Instant) -> Result<(Vec<u8>, u8)> {
        let place = self.frame % self.every;
        self.frame += 1;
        let loud = place < BURST;
        if place == 0 {
            self.began = Some(now);
        }
        let volume = if loud { 0.5 } else { 0.01 };
        let pcm: Vec<f32> = (0..FRAME)
            .map(|_| {
                self.at += 1;
                volume * (self.at as f32 * 700.0 * TAU / 48_000.0).sin()
            })
            .collect();
        Ok((code(&mut self.encoder, &pcm)?, if loud { 9 } else { 43 }))
    }
}

/// Somebody who listens for bursts.
#[derive(Debug)]
pub struct Ear {
    decoder: Decoder,
    pcm: Vec<f32>,
    heard: Option<Instant>,
}

impl Ear {
    /// Nothing was heard yet.
    ///
    /// # Errors
    ///
    /// When the codec cannot be made.
    pub fn new() -> Result<Self> {
        let decoder = Decoder::new(Channels::Mono).map_err(|error| anyhow!("{error}"))?;
        Ok(Self { decoder, pcm: vec![0.0; 6 * FRAME], heard: None })
    }

    /// Hears a packet; says how old the burst is that begins in it.
    pub fn hear(&mut self, now: Instant, payload: &[u8], began: Option<Instant>) -> Option<Duration> {
        let samples = self.decoder.decode(payload, &mut self.pcm).ok()?;
        let heard = self.pcm.get(..samples)?;
        let loudness = (heard.iter().map(|x| x * x).sum::<f32>() / heard.len().max(1) as f32).sqrt();
        if loudness < LOUD || began == self.heard {
            return None;
        }
        self.heard = began;
        began.map(|began| now.saturating_duration_since(began))
    }
}
