//! What clients of meetings ask of the server beside the API: the region nearest to them, and to be listened to when they
//! tell what happens to them. What they ask for that is not here is told so.

mod ingest;
mod nodes;
mod placement;
mod region;
mod unserved;

pub use ingest::ClientEvents;
pub(crate) use ingest::{ingest, kept, preflight};
pub use nodes::{Here, Nodes, Residence};
pub(crate) use placement::{as_reached, is_loopback};
pub use region::NearestRegion;
pub(crate) use region::{is_probe, nearest};
pub(crate) use unserved::unserved;
