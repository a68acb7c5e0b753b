//! A light client of a meeting, for tests, simulations and load programs.
//!
//! It plays one attendee as `amazon-chime-sdk-js` in Chromium would: the same frames, an offer of the same shape, ICE, DTLS
//! and SRTP, packets of the same kinds. Like the engine it has no I/O of its own, and its randomness follows from a seed.
//! Its pictures are synthetic: they have the headers of VP8, so that a forwarder treats them as such, and numbers by
//! which a receiver tells whether a picture is whole and could be decoded.
//!
//! ```text
//! new                                → PING and JOIN; the rest of the way in follows by itself
//! message · datagram · timeout       → what came from the server, and the time
//! say · show · hide · mute · tell …  → what the attendee does
//!                                      poll_message() and datagrams() → what is to be sent
//!                                      poll_event(), roster(), hearing(), tiles() → what came of it
//! ```

mod answer;
mod attendee;
mod camera;
mod config;
mod connection;
mod event;
mod forge;
mod frames;
mod hearing;
mod link;
mod offer;
mod picture;
mod random;
mod reports;
mod roster;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;
mod tile;
mod voice;

pub use attendee::{Client, Counts};
pub use camera::{Encoding, Show};
pub use config::Config;
pub use event::{Event, Media};
pub use hearing::Hearing;
pub use picture::{Mark, Picture};
pub use random::Random;
pub use roster::{Present, Roster};
pub use tile::{Tile, TileCounts};
