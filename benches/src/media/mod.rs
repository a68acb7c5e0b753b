//! Load on meetings: a release server as a process of its own, attendees as light clients in this one.
//!
//! One thread drives all clients over one socket; each sends from a loopback address of its own, so that the server sees
//! as many peers as there are attendees. What a client does is what the unmodified browser client does: a WebSocket,
//! offers, ICE, DTLS, SRTP both ways.

pub mod crew;
pub mod room;
pub mod sound;
