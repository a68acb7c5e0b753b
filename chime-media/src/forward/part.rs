//! What a packet says of its place among the layers of its encoding.
//!
//! # Our choices
//!
//! - VP9 tells its layers in each payload. VP8 does as well, unless its sender tells them in the dependency descriptor;
//!   AV1 tells them only there, so without that header extension it stays whole.
//! - Of AV1 temporal layers alone are told apart: a receiver whose spatial layers are cut has to be told so in the
//!   descriptor, which is passed on as it is.
//! - H.264 stays whole.

use super::dependency::{Dependency, Structure};
use super::{vp8, vp9};
use crate::sdp::VideoCodec;

/// What a packet says of its place among the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The spatial layer.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// Its frame builds upon earlier pictures, as far as the packet tells.
    pub predicted: bool,
    /// It is the last packet of its spatial layer's frame.
    pub ends: bool,
    /// Where more temporal layers may begin.
    pub up: Up,
}

/// Whether more temporal layers may begin at a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Up {
    /// They may not.
    No,
    /// Its own, with it.
    Own,
    /// All those above its own, behind it.
    Above,
}

impl Part {
    /// Reads what a payload says, or what its dependency descriptor does, which may bring another `structure`; `None` if
    /// neither says anything of layers.
    pub fn read(
        codec: VideoCodec,
        payload: &[u8],
        descriptor: &[u8],
        structure: &mut Option<Structure>,
    ) -> Option<Self> {
        match codec {
            VideoCodec::Vp8 | VideoCodec::Av1 if !descriptor.is_empty() => {
                let dependency = Dependency::parse(descriptor, structure)?;
                Some(Self {
                    spatial: 0,
                    temporal: dependency.temporal,
                    predicted: dependency.predicted,
                    ends: false,
                    up: if dependency.switches_up { Up::Above } else { Up::No },
                })
            }
            VideoCodec::Vp8 => {
                let descriptor = vp8::Descriptor::parse(payload)?;
                // Without a number of its picture a receiver would miss what is left out.
                let (_, temporal) = descriptor.picture.zip(descriptor.temporal)?;
                let key = descriptor.starts_frame
                    && payload.get(descriptor.length).is_some_and(|first| first & 0x01 == 0);
                let up = if descriptor.sync { Up::Own } else { Up::No };
                Some(Self { spatial: 0, temporal, predicted: !key, ends: false, up })
            }
            VideoCodec::Vp9 => {
                let descriptor = vp9::Descriptor::parse(payload)?;
                let layers = descriptor.layers?;
                Some(Self {
                    spatial: layers.spatial,
                    temporal: layers.temporal,
                    predicted: descriptor.predicted,
                    ends: descriptor.ends,
                    up: if layers.switches_up { Up::Above } else { Up::No },
                })
            }
            VideoCodec::H264(_) | VideoCodec::Av1 => None,
        }
    }
}
