//! A codec that changes nothing: the number of channels, then 16-bit samples.

use crate::audio::{Channels, CodecError, Codecs, Decoder, Encoder, EncoderSettings, FRAME};

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pcm;

#[derive(Debug)]
pub(super) struct PcmEncoder(Channels);

#[derive(Debug)]
pub(super) struct PcmDecoder(Channels);

impl Codecs for Pcm {
    type Encoder = PcmEncoder;
    type Decoder = PcmDecoder;

    fn encoder(&self, channels: Channels) -> Result<PcmEncoder, CodecError> {
        Ok(PcmEncoder(channels))
    }

    fn decoder(&self, channels: Channels) -> Result<PcmDecoder, CodecError> {
        Ok(PcmDecoder(channels))
    }

    fn samples(&self, payload: &[u8]) -> Option<usize> {
        match payload.first()? {
            1 => Some((payload.len() - 1) / 2).filter(|n| *n > 0),
            2 => Some((payload.len() - 1) / 4).filter(|n| *n > 0),
            _ => None,
        }
    }

    fn has_fec(&self, _: &[u8]) -> bool {
        false
    }

    fn portable(&self, payload: &[u8]) -> bool {
        payload.len() == 1 + 2 * FRAME
    }
}

impl Encoder for PcmEncoder {
    fn configure(&mut self, _: &EncoderSettings) -> Result<(), CodecError> {
        Ok(())
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        out[0] = self.0.count() as u8;
        for (sample, to) in pcm.iter().zip(out[1..].chunks_mut(2)) {
            assert!(sample.abs() <= 1.0, "clipped: {sample}");
            to.copy_from_slice(&((sample * 32_767.0).round() as i16).to_le_bytes());
        }
        Ok(1 + pcm.len() * 2)
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), CodecError> {
        assert_eq!(self.0, other.0);
        Ok(())
    }

    fn reset(&mut self) {}
}

impl Decoder for PcmDecoder {
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        let count = Pcm.samples(payload).ok_or(CodecError::Malformed)?;
        let coded = usize::from(payload[0]);
        let at =
            |i: usize| f32::from(i16::from_le_bytes([payload[1 + 2 * i], payload[2 + 2 * i]])) / 32_767.0;
        for n in 0..count {
            match (coded, self.0) {
                (1, Channels::Mono) => out[n] = at(n),
                (1, Channels::Stereo) => out[2 * n..2 * n + 2].fill(at(n)),
                (_, Channels::Mono) => out[n] = (at(2 * n) + at(2 * n + 1)) / 2.0,
                (_, Channels::Stereo) => {
                    out[2 * n] = at(2 * n);
                    out[2 * n + 1] = at(2 * n + 1);
                }
            }
        }
        Ok(count)
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
