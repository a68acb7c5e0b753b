//! The event bus between processes: one core NATS subject for each database.
//!
//! What it carries is a short cut. A message that is lost, because a server restarts or a reader is too slow, is found
//! in the outbox by whoever misses it; so nothing is stored here, and nobody waits long for a server that is down.
//!
//! # Our choices
//!
//! - A run that is larger than the server takes in one message is sent as several; an announcement that is larger by
//!   itself is not sent.
//! - Whoever may publish on the subject is believed. The subject is named by the id of the database, which is no
//!   secret: a server that others use too needs users of its own for the nodes.
//! - Publishing fails at once while there is no connection, instead of piling up what others will have read elsewhere by
//!   then.
//! - Servers of a list are tried in any order, and one login serves all.
//! - Who names an authority wants TLS, so that it is then required of every server, whatever its URL says.
//! - Clients show who they are by a login, a token, a certificate or a credentials file (JWT and nkey). The last is signed
//!   with by what the client brings along, a second implementation of Ed25519 beside that of ring.

mod bus;
mod config;
mod frame;
mod link;
#[cfg(test)]
mod tests;
mod trust;

pub use bus::NatsBus;
pub use config::{NatsConfig, NatsError};
#[cfg(any(feature = "jetstream", feature = "outbound"))]
pub(crate) use link::Link;
