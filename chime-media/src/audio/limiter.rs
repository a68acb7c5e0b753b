//! Keeps a sum within full scale.

/// The highest sample that leaves, a little below full scale: Opus overshoots by about that.
pub(super) const CEILING: f32 = 0.97;

/// The gain is planned per 2.5 ms, looking one such block ahead within the frame, so no delay is added.
const BLOCK: usize = 120;

/// The share of the missing gain that returns per block: 150 ms to recover by two thirds.
const RELEASE: f32 = 0.0165;

/// Where a frame begins too loud, the gain comes down within half a millisecond, and what exceeds meanwhile is cut.
const FAST: usize = 24;

/// The gain, one for all channels, so that the stereo picture does not move.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limiter {
    gain: f32,
}

impl Limiter {
    pub(super) const fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// Scales interleaved samples in place so that none exceeds [`CEILING`].
    pub(super) fn apply(&mut self, pcm: &mut [f32], channels: usize) {
        let peak = peak(pcm);
        if self.gain > 0.9999 && peak <= CEILING {
            self.gain = 1.0;
            return;
        }
        let block = BLOCK * channels;
        let mut rest = pcm;
        while !rest.is_empty() {
            let (now, after) = rest.split_at_mut(block.min(rest.len()));
            let need = allowed(now);
            let next = after.get(..block.min(after.len())).map_or(1.0, allowed);
            let released = self.gain + (1.0 - self.gain) * RELEASE;
            self.ramp(now, channels, released.min(need).min(next), self.gain > need);
            rest = after;
        }
    }

    fn ramp(&mut self, pcm: &mut [f32], channels: usize, end: f32, fast: bool) {
        let length = if fast { FAST } else { pcm.len() / channels.max(1) };
        let step = (end - self.gain) / length.max(1) as f32;
        for (index, instant) in pcm.chunks_mut(channels.max(1)).enumerate() {
            let gain = if index < length { self.gain + step * index as f32 } else { end };
            for sample in instant {
                *sample = (*sample * gain).clamp(-CEILING, CEILING);
            }
        }
        self.gain = end;
    }
}

fn allowed(pcm: &[f32]) -> f32 {
    let peak = peak(pcm);
    if peak > CEILING { CEILING / peak } else { 1.0 }
}

/// The largest magnitude.
pub(super) fn peak(pcm: &[f32]) -> f32 {
    pcm.iter().fold(0.0, |peak, sample| sample.abs().max(peak))
}
