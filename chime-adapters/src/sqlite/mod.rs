//! The default store: one SQLite database on a local disk, no set-up.
//!
//! One writer thread takes all commits that wait into one transaction, so that durability costs a sync for each group
//! and not for each commit; commits are acknowledged after that transaction only. Reads run on a few connections of
//! their own, each as of one moment, and never wait for the writer. Records that are read often come from a cache
//! that the writer keeps true. Futures of the store need no particular runtime.
//!
//! # Our choices
//!
//! - A commit whose future is dropped may still take effect, as after any lost connection to a database.
//! - When syncing itself fails, the store answers that nothing was written; should the machine then lose power before
//!   the next commit, the disk may still turn out to hold it.
//! - A process locks the database for itself (`PATH.lock`): the writer's memory of revisions and streams holds only
//!   while it is the only one.

mod apply;
mod backup;
mod cache;
mod checkpoint;
mod commit;
mod config;
mod error;
mod outbox;
mod queue;
mod read;
mod recent;
mod schema;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use backup::{backup, export_part, import_part, restore, verify};
pub use config::{Durability, SqliteConfig};
pub use error::SqliteError;
pub use store::SqliteStore;
