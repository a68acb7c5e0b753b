//! How loud somebody is, from the levels in his packets.

use std::time::{Duration, Instant};

/// The level of silence, in dB below full scale, as RFC 6464 has it.
pub(super) const SILENT: f32 = 127.0;

/// Without a packet for this long, a source is silent.
const STALE: Duration = Duration::from_millis(300);

/// A smoothed level in dB below full scale: 0 is full, 127 silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    smoothed: f32,
    heard: Option<Instant>,
}

impl Level {
    pub(super) const fn new() -> Self {
        Self { smoothed: SILENT, heard: None }
    }

    /// Takes the level of one packet: up within two packets, down within a fifth of a second.
    pub(super) fn observe(&mut self, level: f32, now: Instant) {
        // Below 70 all is silence: an unbounded 127 would hold the average down for the first syllable.
        let level = level.clamp(0.0, 70.0);
        let before = self.smoothed.min(70.0);
        let share = if level < before { 0.6 } else { 0.15 };
        self.smoothed = before + (level - before) * share;
        self.heard = Some(now);
    }

    pub(super) fn silence(&mut self) {
        *self = Self::new();
    }

    /// The level as of now.
    pub(super) fn at(&self, now: Instant) -> f32 {
        match self.heard {
            Some(heard) if now.saturating_duration_since(heard) <= STALE => self.smoothed,
            _ => SILENT,
        }
    }

    /// As AUDIO_METADATA has it: dB below full scale, from 14 for full to 42 for silence.
    pub(super) fn volume(&self, now: Instant) -> u8 {
        let rounded = self.at(now).round().clamp(14.0, 42.0);
        (14..=42).find(|volume| f32::from(*volume) >= rounded).unwrap_or(42)
    }
}

/// The level of samples, in dB below full scale.
pub(super) fn measure(pcm: &[f32]) -> f32 {
    let energy: f32 = pcm.iter().map(|sample| sample * sample).sum();
    let mean = energy / pcm.len().max(1) as f32;
    (-10.0 * mean.max(1e-13).log10()).clamp(0.0, SILENT)
}
