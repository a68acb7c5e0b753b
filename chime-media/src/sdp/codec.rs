//! Codecs of a section, and which of them mean the same at two clients.

use crate::signal::proto::VideoCodecCapability;

/// A codec of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Name as in `a=rtpmap`.
    pub name: String,
    /// Clock rate, in Hz.
    pub clock: u32,
    /// Channels, if the description says.
    pub channels: Option<u8>,
    /// The format's parameters, as they stand there.
    pub parameters: String,
}

impl Codec {
    /// A parameter's value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .split(';')
            .filter_map(|each| each.trim().split_once('='))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether the name is this one.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What it is to a forwarder; `None` for what is not forwarded.
    #[must_use]
    pub fn video(&self) -> Option<VideoCodec> {
        if self.is("VP8") {
            return Some(VideoCodec::Vp8);
        }
        if self.is("VP9") {
            return (self.parameter("profile-id").unwrap_or("0") == "0").then_some(VideoCodec::Vp9);
        }
        if self.is("AV1") {
            return (self.parameter("profile").unwrap_or("0") == "0").then_some(VideoCodec::Av1);
        }
        if self.is("H264") && self.parameter("packetization-mode") == Some("1") {
            let profile = self.parameter("profile-level-id").unwrap_or("42001f").get(..4)?;
            return u16::from_str_radix(profile, 16).ok().map(VideoCodec::H264);
        }
        None
    }
}

/// A video codec that is forwarded. Equal ones at two clients understand each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VideoCodec {
    /// VP8.
    Vp8,
    /// H.264 with packetization mode 1, of a profile: the first two bytes of `profile-level-id`.
    H264(u16),
    /// VP9, profile 0.
    Vp9,
    /// AV1, main profile.
    Av1,
}

impl VideoCodec {
    /// The name it has in the signaling, if it has one.
    #[must_use]
    pub const fn capability(self) -> Option<VideoCodecCapability> {
        Some(match self {
            Self::Vp8 => VideoCodecCapability::Vp8,
            Self::Vp9 => VideoCodecCapability::Vp9Profile0,
            Self::Av1 => VideoCodecCapability::Av1MainProfile,
            Self::H264(0x4200) => VideoCodecCapability::H264BaselineProfile,
            Self::H264(0x42e0) => VideoCodecCapability::H264ConstrainedBaselineProfile,
            Self::H264(0x4d00) => VideoCodecCapability::H264MainProfile,
            Self::H264(0x6400) => VideoCodecCapability::H264HighProfile,
            Self::H264(0x640c) => VideoCodecCapability::H264ConstrainedHighProfile,
            Self::H264(_) => return None,
        })
    }
}
