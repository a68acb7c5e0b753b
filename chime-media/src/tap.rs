//! A read-only copy of what a meeting sounds and shows, for whoever records it.

use std::fmt;
use std::time::Instant;

use crate::ids::{Attendee, StreamId};
use crate::sdp::VideoCodec;

/// Takes what a meeting sounds and shows. It is called on the meeting's thread: it must not wait.
pub trait Tap: Send + fmt::Debug {
    /// 20 ms of the mix of everybody who is heard, limited, interleaved in the channels of the audio settings at 48 kHz,
    /// full scale ±1. Called in silence too, with zeros, so that what is recorded keeps time.
    fn audio(&mut self, at: Instant, mix: &[f32]);

    /// A packet of a content share's video, in the order in which packets came, once each.
    fn content(&mut self, at: Instant, packet: &TappedPacket<'_>);
}

/// A packet of video as its sender sent it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TappedPacket<'a> {
    /// Whose content it is.
    pub attendee: &'a Attendee,
    /// Which encoding of it.
    pub stream: StreamId,
    /// How it is coded.
    pub codec: VideoCodec,
    /// Its sequence number with roll-overs: a gap is a packet that was lost or comes later.
    pub index: u64,
    /// In units of 1/90000 s.
    pub timestamp: u32,
    /// The last of its picture.
    pub marker: bool,
    /// The payload of RTP.
    pub payload: &'a [u8],
}
