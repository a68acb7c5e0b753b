//! The section in which a client sends video.

use crate::sdp::answer::{uri, video_codecs};
use crate::sdp::{Layer, Section, VideoCodec};

/// How a client's video comes, as its last offer says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Camera {
    codecs: Vec<(VideoCodec, u8, Option<u8>)>,
    /// Encodings, if it is simulcast.
    pub(crate) layers: Vec<Layer>,
    /// Sources that are announced, and those of their retransmissions.
    pub(crate) ssrcs: Vec<u32>,
    pub(crate) repairs: Vec<(u32, u32)>,
    pub(crate) transport: Option<u8>,
    pub(crate) rid: Option<u8>,
    pub(crate) repaired_rid: Option<u8>,
    pub(crate) orientation: Option<u8>,
    pub(crate) dependency: Option<u8>,
}

/// What a payload type means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A picture's part.
    Media(VideoCodec),
    /// One that is sent again.
    Repair,
}

impl Camera {
    pub(crate) fn read(section: &Section) -> Self {
        Self {
            codecs: video_codecs(section).collect(),
            layers: section.layers.clone(),
            ssrcs: section.ssrcs.clone(),
            repairs: section.repairs.clone(),
            transport: section.extension(uri::TRANSPORT_CC),
            rid: section.extension(uri::RID),
            repaired_rid: section.extension(uri::REPAIRED_RID),
            orientation: section.extension(uri::ORIENTATION),
            dependency: section.extension(uri::DEPENDENCY),
        }
    }

    /// What a payload type means; `None` for what was not negotiated.
    pub(crate) fn payload(&self, payload_type: u8) -> Option<Payload> {
        self.codecs.iter().find_map(|(codec, media, repair)| match payload_type {
            each if each == *media => Some(Payload::Media(*codec)),
            each if Some(each) == *repair => Some(Payload::Repair),
            _ => None,
        })
    }

    /// The codecs that the client knows.
    pub(crate) fn codecs(&self) -> impl Iterator<Item = VideoCodec> {
        self.codecs.iter().map(|(codec, ..)| *codec)
    }
}
