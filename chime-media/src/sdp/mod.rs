//! Session descriptions: a browser's offer read, our answer written.
//!
//! # Our choices
//!
//! - Opus comes before RED in the answer, so that browsers send plain Opus; RED is taken from who prefers it.
//! - Of the video codecs those are kept that the client can name in its preferences: VP8, H.264 with packetization mode
//!   1, VP9 profile 0, AV1 main, each with its retransmissions. FEC and RED of video are left out.
//! - The layers-allocation extension is left out: a change of layers comes as a new offer, which says the same.

pub mod answer;
pub mod codec;
pub mod offer;

pub use answer::{Answer, AnswerSection};
pub use codec::{Codec, VideoCodec};
pub use offer::{Direction, Kind, Layer, MAX_OFFER, Offer, Section};
