//! A codec by which a test hears who speaks: a frame has 48 slots, and whoever speaks sounds in his own.
//!
//! Sums of such sounds are told apart, and a frame has the size that Opus has at 39 kbit/s.

use crate::audio::{Channels, CodecError, Codecs, Decoder, Encoder, EncoderSettings, FRAME};

/// Slots of a frame.
pub(crate) const SLOTS: usize = 48;
/// Samples of a slot.
const SLOT: usize = FRAME / SLOTS;
/// First byte of a payload.
const MAGIC: u8 = 0xbe;
/// How loud a speaker is.
const LOUD: f32 = 0.25;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beacon;

#[derive(Debug)]
pub(crate) struct BeaconEncoder(Channels);

#[derive(Debug)]
pub(crate) struct BeaconDecoder(Channels);

impl Beacon {
    /// What whoever has this slot says; `None` is silence.
    pub(crate) fn say(slot: Option<u8>) -> Vec<u8> {
        let mut pcm = [0.0; FRAME];
        if let Some(slot) = slot {
            pcm[usize::from(slot) * SLOT..][..SLOT].fill(LOUD);
        }
        let mut out = vec![0; 1 + 2 * SLOTS];
        BeaconEncoder(Channels::Mono).encode(&pcm, &mut out).unwrap();
        out
    }

    /// The slots that sound in a payload, as bits.
    pub(crate) fn heard(payload: &[u8]) -> u64 {
        assert_eq!((payload.len(), payload[0]), (1 + 2 * SLOTS, MAGIC), "no frame of this codec");
        let value = |slot: usize| i16::from_le_bytes([payload[1 + 2 * slot], payload[2 + 2 * slot]]);
        (0..SLOTS).filter(|slot| value(*slot) > 1000).fold(0, |mask, slot| mask | 1 << slot)
    }
}

impl Codecs for Beacon {
    type Encoder = BeaconEncoder;
    type Decoder = BeaconDecoder;

    fn encoder(&self, channels: Channels) -> Result<BeaconEncoder, CodecError> {
        Ok(BeaconEncoder(channels))
    }

    fn decoder(&self, channels: Channels) -> Result<BeaconDecoder, CodecError> {
        Ok(BeaconDecoder(channels))
    }

    fn samples(&self, payload: &[u8]) -> Option<usize> {
        (payload.len() == 1 + 2 * SLOTS && payload[0] == MAGIC).then_some(FRAME)
    }

    fn has_fec(&self, _: &[u8]) -> bool {
        false
    }

    fn portable(&self, payload: &[u8]) -> bool {
        self.samples(payload).is_some()
    }
}

impl Encoder for BeaconEncoder {
    fn configure(&mut self, _: &EncoderSettings) -> Result<(), CodecError> {
        Ok(())
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        let channels = self.0.count();
        out[0] = MAGIC;
        for slot in 0..SLOTS {
            let middle = pcm[(slot * SLOT + SLOT / 2) * channels];
            assert!(middle.abs() <= 1.0, "clipped: {middle}");
            out[1 + 2 * slot..][..2].copy_from_slice(&((middle * 32_767.0).round() as i16).to_le_bytes());
        }
        Ok(1 + 2 * SLOTS)
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), CodecError> {
        assert_eq!(self.0, other.0);
        Ok(())
    }

    fn reset(&mut self) {}
}

impl Decoder for BeaconDecoder {
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        Beacon.samples(payload).ok_or(CodecError::Malformed)?;
        let channels = self.0.count();
        for slot in 0..SLOTS {
            let value = i16::from_le_bytes([payload[1 + 2 * slot], payload[2 + 2 * slot]]);
            out[slot * SLOT * channels..][..SLOT * channels].fill(f32::from(value) / 32_767.0);
        }
        Ok(FRAME)
    }

    fn recover(&mut self, _: &[u8], out: &mut [f32]) -> Result<(), CodecError> {
        self.conceal(out)
    }

    fn conceal(&mut self, out: &mut [f32]) -> Result<(), CodecError> {
        out.fill(0.0);
        Ok(())
    }

    fn reset(&mut self) {}
}
