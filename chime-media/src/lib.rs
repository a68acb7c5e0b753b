//! The media engine of meetings, without I/O of its own: packets, signaling frames and the time go in; packets, frames
//! and events come out. Whoever embeds it owns the sockets and the clock.

#![warn(missing_docs)]

pub mod audio;
#[cfg(any(test, feature = "client"))]
pub mod client;
pub mod config;
#[cfg(feature = "driver")]
pub mod driver;
pub mod error;
pub mod event;
pub mod forward;
pub mod ids;
pub mod io;
pub mod meeting;
mod peer;
pub mod rtp;
pub mod sdp;
pub mod signal;
pub mod tap;
pub mod transport;
pub mod turn;

#[cfg(test)]
mod testing;
