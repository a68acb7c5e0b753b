//! What clients of meetings ask of the server beside the API: the region nearest to them, and to be listened to when they
//! tell what happens to them.

mod ingest;
mod placement;
mod region;

pub use ingest::ClientEvents;
pub(crate) use ingest::{ingest, kept, preflight};
pub(crate) use placement::{as_reached, is_loopback};
pub use region::NearestRegion;
pub(crate) use region::{is_probe, nearest};
