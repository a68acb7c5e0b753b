//! The codec, as the mix sees it.

use std::fmt::Debug;
use std::time::Duration;

/// Samples per second and channel.
pub const SAMPLE_RATE: usize = 48_000;

/// Samples per channel in a tick.
pub const FRAME: usize = 960;

/// The time between two ticks.
pub const TICK: Duration = Duration::from_millis(20);

/// One channel or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel.
    Mono,
    /// Left and right, interleaved.
    Stereo,
}

impl Channels {
    /// 1 or 2.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }
}

/// What a mix mostly is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// People.
    Speech,
    /// A screen share, in all its channels.
    Music,
}

/// How to encode. Opus codes speech by its transform while no loss is to be prepared for and the bit rate allows it, and by
/// its model of a voice otherwise, which takes three times as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EncoderSettings {
    /// Bits per second.
    pub bitrate: u32,
    /// Effort, 0 to 10.
    pub complexity: u8,
    /// The loss to prepare for, in per cent; in-band FEC from 1 on.
    pub loss_percent: u8,
    /// Speech is coded as mono.
    pub content: Content,
    /// Listeners have just been given packets of another encoder ([`Codecs::portable`]), to which this is to join.
    pub joins: bool,
}

/// Why a codec refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The payload is no packet of this codec.
    #[error("malformed packet")]
    Malformed,
    /// Anything else: a setting, a buffer's size, the library.
    #[error("codec failed")]
    Failed,
}

/// Makes encoders and decoders, and reads what a payload says about itself.
///
/// Samples are `f32`, interleaved, 48 kHz, full scale ±1.
pub trait Codecs: Debug {
    /// The encoder.
    type Encoder: Encoder;
    /// The decoder.
    type Decoder: Decoder;

    /// A new encoder for [`FRAME`] samples per channel at a time.
    ///
    /// # Errors
    ///
    /// [`CodecError::Failed`].
    fn encoder(&self, channels: Channels) -> Result<Self::Encoder, CodecError>;

    /// A new decoder that gives these channels, whatever a packet has.
    ///
    /// # Errors
    ///
    /// [`CodecError::Failed`].
    fn decoder(&self, channels: Channels) -> Result<Self::Decoder, CodecError>;

    /// Samples per channel in a packet, at most 5760 (120 ms); none if it is malformed.
    fn samples(&self, payload: &[u8]) -> Option<usize>;

    /// Whether the packet can stand in for a lost one before it.
    fn has_fec(&self, payload: &[u8]) -> bool;

    /// Whether the packet can be given as it is to decoders that have followed an encoder of ours: one frame of a tick,
    /// of no more than usual size, in a mode whose decoder begins anew after ours.
    fn portable(&self, payload: &[u8]) -> bool;
}

/// An encoder of one stream.
pub trait Encoder: Debug {
    /// Changes the settings, in the stream.
    ///
    /// # Errors
    ///
    /// [`CodecError::Failed`] if one is out of range.
    fn configure(&mut self, settings: &EncoderSettings) -> Result<(), CodecError>;

    /// Encodes one tick; the answer is the payload's length in `out`. At most two bytes mean that it need not be sent.
    ///
    /// # Errors
    ///
    /// [`CodecError::Failed`].
    fn encode(&mut self, pcm: &[f32], out: &mut [u8]) -> Result<usize, CodecError>;

    /// Continues exactly as `other` would. Must not allocate.
    ///
    /// # Errors
    ///
    /// [`CodecError::Failed`] if they differ in channels.
    fn copy_from(&mut self, other: &Self) -> Result<(), CodecError>;

    /// Forgets what it has heard.
    fn reset(&mut self);
}

/// A decoder of one stream.
pub trait Decoder: Debug {
    /// Decodes a packet; the answer is samples per channel.
    ///
    /// # Errors
    ///
    /// [`CodecError::Malformed`], [`CodecError::Failed`].
    fn decode(&mut self, payload: &[u8], out: &mut [f32]) -> Result<usize, CodecError>;

    /// Fills `out` with what came just before the packet `next`, from its FEC.
    ///
    /// # Errors
    ///
    /// As [`Decoder::decode`].
    fn recover(&mut self, next: &[u8], out: &mut [f32]) -> Result<(), CodecError>;

    /// Fills `out` with a continuation of what was heard last.
    ///
    /// # Errors
    ///
    /// [`CodecError::Failed`].
    fn conceal(&mut self, out: &mut [f32]) -> Result<(), CodecError>;

    /// Forgets what it has heard.
    fn reset(&mut self);
}
