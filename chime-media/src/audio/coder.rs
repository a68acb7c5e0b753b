//! The encoder at work: one channel for speech, which is three quarters of the work, and all of them while a screen share
//! sounds.
//!
//! # Our choices
//!
//! - The one that takes over codes the tick before as well, for nobody, so that it begins about where the decoders are.

use super::Channels;
use super::codec::{CodecError, Codecs, Content, Encoder, EncoderSettings, FRAME};
use super::mix::{self, Part};

#[derive(Debug)]
pub(super) struct Coder<E> {
    channels: Channels,
    mono: E,
    /// Of all channels, once it was needed.
    wide: Option<E>,
    /// What the last packet was coded as; none at the beginning of a stream.
    content: Option<Content>,
    /// Of the one at work.
    settings: Option<EncoderSettings>,
    /// Room for all channels in one.
    mean: Vec<f32>,
}

impl<E: Encoder> Coder<E> {
    /// For sound in these channels.
    pub(super) fn new<C: Codecs<Encoder = E>>(codecs: &C, channels: Channels) -> Result<Self, CodecError> {
        Ok(Self {
            channels,
            mono: codecs.encoder(Channels::Mono)?,
            wide: None,
            content: None,
            settings: None,
            mean: vec![0.0; FRAME],
        })
    }

    /// Goes on as `other` would, with the next packet.
    pub(super) fn copy_from<C: Codecs<Encoder = E>>(
        &mut self,
        other: &Self,
        codecs: &C,
    ) -> Result<(), CodecError> {
        if self.is_wide(other.content)
            && let Some(theirs) = &other.wide
        {
            wide(&mut self.wide, codecs, self.channels)?.copy_from(theirs)?;
        } else {
            self.mono.copy_from(&other.mono)?;
        }
        (self.content, self.settings) = (other.content, other.settings);
        Ok(())
    }

    /// Begins a stream that nobody has heard yet.
    pub(super) fn reset(&mut self) {
        self.mono.reset();
        if let Some(wide) = &mut self.wide {
            wide.reset();
        }
        self.content = None;
    }

    /// Codes a tick, which `before` came before, in all channels. What [`Encoder::encode`] answers.
    pub(super) fn encode<C: Codecs<Encoder = E>>(
        &mut self,
        codecs: &C,
        settings: EncoderSettings,
        before: &[f32],
        pcm: &[f32],
        out: &mut [u8],
    ) -> Result<usize, CodecError> {
        let content = Some(settings.content);
        let is_wide = self.is_wide(content);
        let takes_over = self.content.is_some() && self.is_wide(self.content) != is_wide;
        let encoder = match is_wide {
            true => wide(&mut self.wide, codecs, self.channels)?,
            false => &mut self.mono,
        };
        if takes_over {
            encoder.reset();
            self.settings = None;
        }
        if self.settings != Some(settings) {
            encoder.configure(&settings)?;
            self.settings = Some(settings);
        }
        self.content = content;
        let mut encode = |pcm: &[f32]| {
            if is_wide || self.channels == Channels::Mono {
                return encoder.encode(pcm, out);
            }
            self.mean.fill(0.0);
            mix::add(&mut self.mean, Channels::Mono, Part { channels: self.channels, pcm });
            encoder.encode(&self.mean, out)
        };
        if takes_over {
            encode(before)?;
        }
        encode(pcm)
    }

    fn is_wide(&self, content: Option<Content>) -> bool {
        self.channels != Channels::Mono && content == Some(Content::Music)
    }
}

/// The encoder of all channels, made if there is none yet.
fn wide<'a, E, C: Codecs<Encoder = E>>(
    place: &'a mut Option<E>,
    codecs: &C,
    channels: Channels,
) -> Result<&'a mut E, CodecError> {
    match place {
        Some(wide) => Ok(wide),
        None => Ok(place.insert(codecs.encoder(channels)?)),
    }
}
