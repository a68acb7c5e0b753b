//! From sockets to requests: listeners, connections, and the paths that are the server's own.

mod connection;
mod listener;
mod router;
mod target;

pub use connection::{ConnectionLimits, Peer};
pub use listener::{Listener, serve};
pub use router::router;
pub(crate) use target::Target;
