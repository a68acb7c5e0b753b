//! Streaming export: everything that happens in an app instance, to the streams of its configurations.
//!
//! ```text
//! outbox ─ Pump   follows it, copies what is to be exported    export-queue/…, in one commit with export/cursor
//!        ─ Drain  reads a queue in order, encodes, hands over  ports::Sink, and deletes what was taken
//! ```
//!
//! The pump learns of configurations from the outbox itself, so that exactly what was committed after a configuration is
//! exported (rule STR-14). Its cursor is a record that guards its commits: of several pumps one moves at a time, and
//! nothing is moved twice. A drain holds leases; what the sink took is deleted afterwards, so that it arrives at least
//! once, and twice only around a crash.
//!
//! # Our choices
//!
//! - Both data types of one app instance are drained together, in the order in which things happened, while they go to
//!   one stream; otherwise each by itself, so that a stream that is down does not hold up the other.
//! - What is queued goes to the stream that is configured when its turn comes: whoever lost a stream names another.
//! - A data type that a new configuration leaves out is turned off like by a deletion: what is still queued of it is
//!   dropped (rule STR-15). What a sink is taking at that moment may still arrive.
//! - A destination that refuses for good keeps its queue: an operator can mend it, and nothing is lost.

mod drain;
mod keys;
mod lease;
mod pump;
mod queue;
mod types;

pub use drain::{Drain, Drained, Encode};
pub use pump::{Pump, Step};
pub use queue::Backlog;
pub use types::ExportGroup;
