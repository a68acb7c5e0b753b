//! WebSocket sessions: `GET /connect` (rules WEB-01 to WEB-35, wire.md section 10).
//!
//! `connect` completes the handshake whatever is wrong with the request, because a refusal is a close code (wire
//! rule S-06). `hub` knows who is connected and gives every announcement to the connections it goes to; a connection
//! has a bounded `outgoing` queue and one task, `session`.
//!
//! # Our choices
//!
//! - A bad signature, a bad key and an expired URL close with 4401; a policy's denial, a missing or unknown user, a
//!   missing `sessionId` and an eleventh connection with 4003: no client reconnects on either.
//! - A second connection with the same user and `sessionId` replaces the first, which is closed with 4002 (rule WEB-12).
//! - Both hold over all servers that share a store: `roster` counts connections in it.
//! - A connection opened with temporary credentials is closed with 4403 when these end. Clients come again on that code,
//!   with the credentials they have by then; who has no others meets 4401.
//! - Deleting a user or an app instance closes its connections with 4003.
//! - What a client sends is passed over; more than 64 KB at once closes with 1009, and what is no frame with 1002.
//! - A client that cannot keep up is closed with 1013; it reconnects and reads `ListChannelMessages`.
//! - Prefetch sends `CHANNEL_DETAILS` for at most 50 channels, each with its newest 20 messages and first 30 members, as
//!   fast as the client takes them; events of the session come in between, and nothing marks its end. Payloads give
//!   moments as texts, like those of all events.

mod admit;
mod connect;
mod frame;
pub(crate) mod hub;
mod outgoing;
mod prefetch;
mod roster;
mod session;

pub(crate) use connect::{connect, handshake_key, switching};
pub use frame::of as encode;
pub(crate) use hub::Hub;
pub(crate) use roster::Roster;
