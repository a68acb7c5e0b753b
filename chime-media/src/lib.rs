//! The media engine of meetings, without I/O of its own: packets, signaling frames and the time go in; packets, frames
//! and events come out. Whoever embeds it owns the sockets and the clock.

#![warn(missing_docs)]

pub mod audio;
pub mod config;
pub mod error;
pub mod event;
pub mod forward;
pub mod ids;
pub mod io;
pub mod rtp;
pub mod sdp;
pub mod signal;
pub mod transport;
