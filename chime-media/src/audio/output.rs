//! One encoded stream: the shared one, or one listener's own.

use super::codec::{CodecError, Codecs, Encoder, EncoderSettings, FRAME};
use super::coder::Coder;
use super::limiter::{Limiter, peak};
use super::{Channels, Stats};

/// Room for a payload: Opus needs 1275 bytes, the uncompressed codec of the tests 3841.
const PAYLOAD: usize = 4000;

/// Ticks of silence that are still encoded: the decoder's last frames have faded by then.
const HANG: u32 = 10;

/// In silence, every so many ticks one is sent.
const REFRESH: u32 = 20;

/// Below half a step of 16 bits all is silence.
const SILENCE: f32 = 1.0 / 65_536.0;

/// What a listener is sent in a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// An Opus packet of 20 ms; none in silence: send nothing, but let the RTP timestamp go on by [`FRAME`].
    pub payload: Option<&'a [u8]>,
    /// The first after silence: set the RTP marker.
    pub talkspurt: bool,
}

#[derive(Debug)]
pub(super) struct Output<E> {
    coder: Coder<E>,
    limiter: Limiter,
    pcm: Vec<f32>,
    /// The limited sum of the tick before.
    before: Vec<f32>,
    payload: Vec<u8>,
    length: Option<usize>,
    talkspurt: bool,
    /// Ticks of silence until now, and ticks since a frame was sent.
    silent: u32,
    unsent: u32,
}

impl<E: Encoder> Output<E> {
    pub(super) fn new<C: Codecs<Encoder = E>>(codecs: &C, channels: Channels) -> Result<Self, CodecError> {
        Ok(Self {
            coder: Coder::new(codecs, channels)?,
            limiter: Limiter::new(),
            pcm: vec![0.0; FRAME * channels.count()],
            before: vec![0.0; FRAME * channels.count()],
            payload: vec![0; PAYLOAD],
            length: None,
            talkspurt: false,
            silent: HANG,
            unsent: REFRESH,
        })
    }

    /// Goes on as `other` would, with the next frame.
    pub(super) fn copy_from<C: Codecs<Encoder = E>>(
        &mut self,
        other: &Self,
        codecs: &C,
    ) -> Result<(), CodecError> {
        self.coder.copy_from(&other.coder, codecs)?;
        self.pcm.clone_from(&other.pcm);
        self.limiter = other.limiter;
        self.silent = other.silent;
        self.unsent = other.unsent;
        self.length = None;
        Ok(())
    }

    /// Begins a stream that nobody has heard yet.
    pub(super) fn reset(&mut self) {
        self.coder.reset();
        self.limiter = Limiter::new();
        self.silent = HANG;
        self.unsent = REFRESH;
    }

    /// The sum to encode in a new tick, to be filled by the caller: interleaved, zero at first.
    pub(super) fn sum(&mut self) -> &mut [f32] {
        std::mem::swap(&mut self.pcm, &mut self.before);
        self.pcm.fill(0.0);
        &mut self.pcm
    }

    pub(super) fn limit(&mut self, channels: Channels) {
        self.limiter.apply(&mut self.pcm, channels.count());
    }

    /// The limited sum.
    pub(super) fn pcm(&self) -> &[f32] {
        &self.pcm
    }

    pub(super) fn skip(&mut self) {
        self.length = None;
    }

    /// Whether what was heard last was silence for long enough to have faded.
    pub(super) fn is_silent(&self) -> bool {
        self.silent > HANG
    }

    /// Sends what somebody else has coded of the limited sum.
    pub(super) fn pass(&mut self, packet: &[u8], stats: &mut Stats) {
        let silent = peak(&self.pcm) < SILENCE;
        let paused = self.silent > HANG || self.unsent > 0;
        self.silent = if silent { self.silent.saturating_add(1) } else { 0 };
        self.unsent = 0;
        self.talkspurt = paused && !silent;
        self.length = self.payload.get_mut(..packet.len()).map(|payload| {
            payload.copy_from_slice(packet);
            packet.len()
        });
        stats.passed += 1;
    }

    /// Encodes the limited sum, or leaves it in silence.
    pub(super) fn encode<C: Codecs<Encoder = E>>(
        &mut self,
        codecs: &C,
        settings: EncoderSettings,
        stats: &mut Stats,
    ) {
        self.length = None;
        let silent = peak(&self.pcm) < SILENCE;
        let paused = self.silent > HANG || self.unsent > 0;
        self.silent = if silent { self.silent.saturating_add(1) } else { 0 };
        if self.silent > HANG && self.unsent + 1 < REFRESH {
            self.unsent += 1;
            stats.dtx += 1;
            return;
        }
        stats.encodes += 1;
        match self.coder.encode(codecs, settings, &self.before, &self.pcm, &mut self.payload) {
            // Opus' own DTX: a voice that pauses over low noise.
            Ok(0..=2) if self.unsent + 1 < REFRESH => {
                self.unsent += 1;
                stats.dtx += 1;
            }
            Ok(length) => {
                self.talkspurt = paused && !silent;
                self.unsent = 0;
                self.length = Some(length);
            }
            Err(_) => stats.codec_errors += 1,
        }
    }

    pub(super) fn frame(&self) -> Frame<'_> {
        let payload = self.length.and_then(|length| self.payload.get(..length));
        Frame { payload, talkspurt: self.talkspurt && payload.is_some() }
    }
}
