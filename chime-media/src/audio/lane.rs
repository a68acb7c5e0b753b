//! One source that is decoded: from its packets to its samples of this tick.

use std::time::Instant;

use super::codec::{Channels, CodecError, Codecs, Decoder, FRAME};
use super::jitter::{Arrival, JitterBuffer, Pull};
use super::{Role, SourceId, Stats, level};

/// The longest Opus packet, 120 ms.
const LONGEST: usize = 5760;

/// Ramp at a beginning or an end, 2.5 ms: shorter clicks, longer softens a plosive.
const RAMP: usize = 120;

/// A correction of the delay waits this many ticks for a quiet moment.
const PATIENCE: u32 = 25;

/// Quiet, in dB below full scale.
const QUIET: f32 = 45.0;

/// A source with its jitter buffer and decoder.
#[derive(Debug)]
pub(super) struct Lane<D> {
    pub(super) id: SourceId,
    pub(super) role: Role,
    pub(super) channels: Channels,
    pub(super) jitter: JitterBuffer,
    decoder: D,
    /// Decoded and not yet played, interleaved; `ready` of them.
    fifo: Vec<f32>,
    ready: usize,
    /// This tick's samples, interleaved in `channels`.
    out: Vec<f32>,
    sounding: bool,
    /// Whether `out` is to be mixed in this tick.
    pub(super) in_mix: bool,
    /// This tick's samples are one packet's, unchanged.
    whole: bool,
    /// Ticks that the delay has been too long, or too short.
    off_target: u32,
    pub(super) last_active: Instant,
    #[cfg(feature = "noise-suppression")]
    denoiser: Option<super::denoise::Denoiser>,
}

impl<D: Decoder> Lane<D> {
    pub(super) fn new<C: Codecs<Decoder = D>>(
        codecs: &C,
        channels: Channels,
        now: Instant,
    ) -> Result<Self, CodecError> {
        let count = channels.count();
        Ok(Self {
            id: SourceId(0),
            role: Role::Attendee,
            channels,
            jitter: JitterBuffer::new(),
            decoder: codecs.decoder(channels)?,
            fifo: vec![0.0; (LONGEST + 3 * FRAME) * count],
            ready: 0,
            out: vec![0.0; FRAME * count],
            sounding: false,
            in_mix: false,
            whole: false,
            off_target: 0,
            last_active: now,
            #[cfg(feature = "noise-suppression")]
            denoiser: None,
        })
    }

    /// Makes it another source's.
    pub(super) fn assign(&mut self, id: SourceId, role: Role, now: Instant) {
        self.id = id;
        self.role = role;
        self.in_mix = false;
        self.jitter.reset();
        self.decoder.reset();
        self.ready = 0;
        (self.sounding, self.whole) = (false, false);
        self.off_target = 0;
        self.last_active = now;
        self.out.fill(0.0);
    }

    /// Whether its sound is cleaned of noise.
    #[cfg(feature = "noise-suppression")]
    pub(super) fn suppress_noise(&mut self, on: bool) {
        self.denoiser = on.then(super::denoise::Denoiser::new);
    }

    /// Ends the sound at once: what is not played is thrown away.
    pub(super) fn stop(&mut self) {
        self.jitter.pause();
        self.ready = 0;
    }

    /// Begins anew: another stream of the same source.
    pub(super) fn restart(&mut self) {
        self.stop();
        self.jitter.reset();
    }

    pub(super) fn insert(&mut self, arrival: Arrival<'_>, now: Instant, stats: &mut Stats) {
        self.jitter.insert(arrival, now, stats);
    }

    /// Who must not hear it, besides its own connection.
    pub(super) fn owner(&self) -> Option<SourceId> {
        match self.role {
            Role::Attendee => None,
            Role::Content { owner } => owner,
        }
    }

    /// The packet that this tick's samples are, if they are one's and listeners may be given it as it is.
    pub(super) fn packet(&self) -> Option<&[u8]> {
        self.jitter.portable().filter(|_| self.in_mix && self.whole)
    }

    /// This tick's samples.
    pub(super) fn pcm(&self) -> &[f32] {
        &self.out
    }

    /// Makes this tick's samples, if there are any.
    pub(super) fn produce(&mut self, now: Instant, draining: bool, stats: &mut Stats) {
        self.in_mix = self.play(now, draining, stats);
    }

    fn play(&mut self, now: Instant, draining: bool, stats: &mut Stats) -> bool {
        let frame = FRAME * self.channels.count();
        let resumed = !self.sounding;
        self.whole = self.ready == 0;
        let more = self.correct(now, draining, stats);
        if !more && self.ready == 0 {
            return self.fall_silent();
        }
        let have = self.ready.min(frame);
        if let (Some(out), Some(from)) = (self.out.get_mut(..have), self.fifo.get(..have)) {
            out.copy_from_slice(from);
        }
        self.consume(have);
        if have < frame {
            // The stream ended within the tick.
            let last = have.checked_sub(1).and_then(|at| self.out.get(at)).copied().unwrap_or(0.0);
            ramp_down(self.out.get_mut(have..).unwrap_or_default(), last);
        }
        if resumed {
            let ramp = RAMP * self.channels.count();
            for (index, sample) in self.out.iter_mut().take(ramp).enumerate() {
                *sample *= index as f32 / ramp as f32;
            }
        }
        #[cfg(feature = "noise-suppression")]
        if let Some(denoiser) = self.denoiser.as_mut() {
            denoiser.process(&mut self.out);
            self.whole = false;
        }
        self.sounding = have == frame;
        self.whole &= have == frame && self.ready == 0;
        self.last_active = now;
        true
    }

    /// Decodes what the tick needs, and takes the buffer nearer to its target.
    fn correct(&mut self, now: Instant, draining: bool, stats: &mut Stats) -> bool {
        let frame = FRAME * self.channels.count();
        let ahead = self.ready / self.channels.count();
        let long = self.jitter.too_long(now, ahead);
        let short = !long && self.sounding && self.jitter.too_short(now, ahead);
        self.off_target = if long || short { self.off_target + 1 } else { 0 };
        // What was played last stands for what comes next.
        let due = self.off_target > PATIENCE || (self.off_target > 1 && level::measure(&self.out) > QUIET);
        if short && due && self.ready == 0 {
            self.off_target = 0;
            stats.lengthened += 1;
            return self.conceal(FRAME, stats);
        }
        let more = self.fill(frame, now, draining, stats);
        if long && due && self.ready >= frame && self.fill(2 * frame, now, draining, stats) {
            self.off_target = 0;
            stats.shortened += 1;
            self.merge();
        }
        more
    }

    /// Decodes until `want` samples are ready; `false` if the stream ends before.
    fn fill(&mut self, want: usize, now: Instant, draining: bool, stats: &mut Stats) -> bool {
        let count = self.channels.count();
        while self.ready < want {
            let ahead = self.ready / count;
            let room = self.fifo.get_mut(self.ready..).unwrap_or_default();
            let done = match self.jitter.next(now, ahead, draining, stats) {
                Pull::Idle => return false,
                Pull::Conceal => {
                    if !self.conceal(FRAME, stats) {
                        return false;
                    }
                    continue;
                }
                Pull::Recover { next, samples } => {
                    self.whole = false;
                    let out = room.get_mut(..samples * count).unwrap_or_default();
                    self.decoder.recover(next, out).map(|()| samples)
                }
                Pull::Decode { payload, first } => {
                    if first && !self.sounding && payload.len() > 2 {
                        self.decoder.reset();
                    }
                    stats.decoded += 1;
                    self.decoder.decode(payload, room)
                }
            };
            match done {
                Ok(samples) => self.ready += samples * count,
                Err(error) => {
                    match error {
                        CodecError::Malformed => stats.dropped += 1,
                        CodecError::Failed => stats.codec_errors += 1,
                    }
                    if !self.conceal(FRAME, stats) {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn conceal(&mut self, samples: usize, stats: &mut Stats) -> bool {
        self.whole = false;
        let length = samples * self.channels.count();
        let Some(room) = self.fifo.get_mut(self.ready..self.ready + length) else { return false };
        stats.concealed += 1;
        if self.decoder.conceal(room).is_err() {
            stats.codec_errors += 1;
            room.fill(0.0);
        }
        self.ready += length;
        true
    }

    /// Makes one frame of the first two by fading from one into the other.
    fn merge(&mut self) {
        self.whole = false;
        let count = self.channels.count();
        let frame = FRAME * count;
        let Some((first, rest)) = self.fifo.split_at_mut_checked(frame) else { return };
        for (index, (old, new)) in first.iter().zip(rest.iter_mut()).enumerate() {
            let share = (index / count) as f32 / FRAME as f32;
            *new = old + (*new - old) * share;
        }
        self.consume(frame);
    }

    fn consume(&mut self, samples: usize) {
        self.fifo.copy_within(samples..self.ready, 0);
        self.ready -= samples;
    }

    /// The last sample leads to zero instead of breaking off.
    fn fall_silent(&mut self) -> bool {
        if !self.sounding {
            return false;
        }
        (self.sounding, self.whole) = (false, false);
        let last = self.out.last().copied().unwrap_or(0.0);
        ramp_down(&mut self.out, last);
        true
    }
}

fn ramp_down(pcm: &mut [f32], from: f32) {
    for (index, sample) in pcm.iter_mut().enumerate() {
        *sample = from * (1.0 - index as f32 / RAMP as f32).max(0.0);
    }
}
