//! Opus for the mix.

use super::codec::{Channels, CodecError, Codecs, Content, Decoder, Encoder, EncoderSettings, FRAME};

/// The first configuration of CELT alone (RFC 6716, section 3.1).
const CELT: u8 = 16;
/// Bytes of a packet that is passed on at most: 80 kbit/s.
const PORTABLE: usize = 200;

/// Opus through libopus.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opus;

/// An Opus encoder.
#[derive(Debug)]
pub struct OpusEncoder(chime_opus::Encoder);

/// An Opus decoder.
#[derive(Debug)]
pub struct OpusDecoder(chime_opus::Decoder);

const fn channels(channels: Channels) -> chime_opus::Channels {
    match channels {
        Channels::Mono => chime_opus::Channels::Mono,
        Channels::Stereo => chime_opus::Channels::Stereo,
    }
}

impl From<chime_opus::Error> for CodecError {
    fn from(error: chime_opus::Error) -> Self {
        match error {
            chime_opus::Error::Packet => Self::Malformed,
            _ => Self::Failed,
        }
    }
}

impl Codecs for Opus {
    type Encoder = OpusEncoder;
    type Decoder = OpusDecoder;

    fn encoder(&self, wanted: Channels) -> Result<OpusEncoder, CodecError> {
        // Opus' own DTX stays off: it takes a held note for noise, and silence is left out before it comes here.
        Ok(OpusEncoder(chime_opus::Encoder::new(channels(wanted))?))
    }

    fn decoder(&self, wanted: Channels) -> Result<OpusDecoder, CodecError> {
        Ok(OpusDecoder(chime_opus::Decoder::new(channels(wanted))?))
    }

    fn samples(&self, payload: &[u8]) -> Option<usize> {
        chime_opus::samples(payload)
    }

    fn has_fec(&self, payload: &[u8]) -> bool {
        chime_opus::has_fec(payload)
    }

    fn portable(&self, payload: &[u8]) -> bool {
        // Decoders fade over from CELT, which our mix is coded in, to the other modes and back (RFC 6716, section 4.5).
        let sole = payload.first().is_some_and(|toc| toc >> 3 < CELT && toc & 3 == 0);
        sole && (3..=PORTABLE).contains(&payload.len()) && chime_opus::samples(payload) == Some(FRAME)
    }
}

impl Encoder for OpusEncoder {
    fn configure(&mut self, settings: &EncoderSettings) -> Result<(), CodecError> {
        let encoder = &mut self.0;
        encoder.set_bitrate(i32::try_from(settings.bitrate).map_err(|_| CodecError::Failed)?)?;
        encoder.set_complexity(settings.complexity)?;
        encoder.set_packet_loss(settings.loss_percent)?;
        encoder.set_inband_fec(settings.loss_percent > 0)?;
        match settings.content {
            // Coding by transform alone is a third of the work and takes many voices at once as well as one. But only the
            // model of a voice has packets that carry the one before them, and goes on from what another coder made of a
            // voice. Opus changes between the two without a seam.
            Content::Speech => {
                encoder.set_signal(match settings.loss_percent {
                    0 if !settings.joins => chime_opus::Signal::Music,
                    _ => chime_opus::Signal::Voice,
                })?;
                encoder.set_coded_channels(Some(chime_opus::Channels::Mono))?;
            }
            Content::Music => {
                encoder.set_signal(chime_opus::Signal::Music)?;
                encoder.set_coded_channels(None)?;
            }
        }
        Ok(())
    }

    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError> {
        Ok(self.0.encode(pcm, out)?)
    }

    fn copy_from(&mut self, other: &Self) -> Result<(), CodecError> {
        Ok(self.0.copy_from(&other.0)?)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

impl Decoder for OpusDecoder {
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        Ok(self.0.decode(payload, out)?)
    }

    fn recover(&mut self, next: &[u8], out: &mut [f32]) -> Result<(), CodecError> {
        self.0.recover(next, out)?;
        Ok(())
    }

    fn conceal(&mut self, out: &mut [f32]) -> Result<(), CodecError> {
        self.0.conceal(out)?;
        Ok(())
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}
