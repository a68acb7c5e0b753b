//! Opus for the audio mix, on the C library libopus.
//!
//! What an ordinary binding lacks: [`Encoder::copy_from`] makes one encoder continue where another one stands, so that
//! a listener who gets an encoder of his own hears no change. libopus documents the state as one block, "position
//! independent", that "can be freely copied"; so we own that block as plain memory and copy it in safe Rust. Unsafe code
//! is confined to the calls into C.
//!
//! Everything is 48 kHz. Samples are `f32`, interleaved, full scale ±1.

#![warn(missing_docs)]

mod decoder;
mod encoder;
mod error;
mod packet;
mod state;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;
pub use encoder::{Bandwidth, Encoder, Signal};
pub use error::Error;
pub use packet::{has_fec, samples};

/// One channel or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// One channel.
    Mono,
    /// Two channels, interleaved left and right.
    Stereo,
}

impl Channels {
    /// Samples per frame instant: 1 or 2.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }

    const fn c(self) -> std::ffi::c_int {
        match self {
            Self::Mono => 1,
            Self::Stereo => 2,
        }
    }
}

const SAMPLE_RATE: i32 = 48_000;
