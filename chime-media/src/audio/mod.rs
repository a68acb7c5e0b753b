//! The audio of a meeting: who talks, what everybody hears.
//!
//! A [`Room`] takes packets as they come from the network and, every 20 ms, gives the payloads to send. It has no sockets,
//! threads or clock, and knows Opus only through [`Codecs`].
//!
//! ```text
//! observe ─ level: who talks?     level.rs speaker.rs   a packet of a silent attendee ends here, still encrypted
//! packet  ─ red.rs jitter.rs      unpacked, put in order by timestamp
//! tick    ─ lanes.rs lane.rs      per talker: due packet, or FEC, or concealment → 20 ms of samples
//!         ─ mix.rs limiter.rs     summed once for those who are silent, once for each who is in the mix
//!         ─ audience.rs output.rs encoded; or not, when there is nothing to hear
//! ```
//!
//! All listeners who are not in the mix share one encoder. Whoever enters it gets a copy of that encoder, which from then
//! on codes the mix without him, and returns to the shared one when he has been out of the mix for 300 ms: by then both
//! have coded the same samples for that long. Nobody hears himself, nor the screen share that he owns; a screen share's
//! connection hears nothing.
//!
//! # Our choices
//!
//! - Delay: a packet waits for the 97th percentile of the recent jitter above the fastest packet, plus one frame while
//!   packets are lost and carry redundancy, since a loss can be repaired only from the packet after it.
//! - Too long a buffer is shortened by cross-fading two frames into one, too short a one lengthened by a concealed frame;
//!   both at a quiet moment if there is one within half a second.
//! - A talker holds his place for 600 ms after he was last above the silence level; another takes it only by being 6 dB
//!   louder.
//! - Silence: after 200 ms a frame goes out every 400 ms, which keeps the receiver's clock and its path alive.

mod alone;
mod audience;
mod codec;
mod coder;
mod config;
mod delay;
#[cfg(feature = "noise-suppression")]
mod denoise;
mod ids;
mod jitter;
mod lane;
mod lanes;
mod level;
mod limiter;
mod mix;
#[cfg(feature = "opus")]
mod opus;
mod output;
pub mod red;
mod room;
mod source;
mod speaker;
mod stats;
#[cfg(test)]
mod tests;

pub use codec::{
    Channels, CodecError, Codecs, Content, Decoder, Encoder, EncoderSettings, FRAME, SAMPLE_RATE, TICK,
};
pub use config::Config;
pub use ids::{Format, Interest, Role, SourceId};
#[cfg(feature = "opus")]
pub use opus::{Opus, OpusDecoder, OpusEncoder};
pub use output::Frame;
pub use room::{Frames, Room};
pub use source::Voice;
pub use stats::Stats;
