//! A store that several processes share: one Postgres database, version 13 or later.
//!
//! Commits go to a few committers, chosen by what they write. Each takes all that waits into one transaction of two
//! round trips: it reads and locks what the batches touch, lets them take effect one after the other in memory, where
//! a refused one leaves no trace, and writes the outcome with one statement for each table. Last it takes its turn, an
//! advisory lock until the end of the transaction, and its places in the outbox: so positions have no gaps and are in
//! commit order, whichever node committed.
//!
//! # Our choices
//!
//! - Records that are written are locked when they are read; those that are only guarded are not. In its turn,
//!   where nothing else can be committed, their revisions are compared once more, and a transaction that was overtaken
//!   starts over. A shared lock on every guarded record would write to it with every message.
//! - What is to be made is not locked either: of two that make one key, the second meets the unique index and starts
//!   over. Deadlocks and serialization failures start over too.
//! - A commit whose future is dropped may still take effect.
//! - A connection that is lost while a COMMIT is under way: every transaction leaves a mark of its own. Over a new
//!   connection a fence is put at that mark, which waits for a transaction that has set it and keeps out one that has
//!   not; so what became of it is certain. Committed is told as committed, and not committed is tried again. (The status
//!   of a transaction's id would not do: ids that were not synced before a crash are given again.) Only a database that
//!   stays away for longer than a commit may take is answered with `Unavailable` though the commit may have been made;
//!   the idempotency of the rules covers that, as it covers an answer that was lost on its way to the client.
//! - A database that does not answer is waited for a few seconds only (see [`PostgresConfig::with_patience`]), by the
//!   clock of this process, because one that is paused keeps no time.
//! - One node alone holds an advisory lock that no other node shares; nodes with a [`Wire`] share theirs. So two nodes
//!   that do not hear each other never work on one database by mistake. The lock protects the sockets' view of the
//!   outbox, not the data, which is safe among any number of nodes.
//! - Every node follows the outbox by itself. What comes over the wire is a short cut; the table is the truth, and is
//!   looked at once a second anyway.

mod apply;
mod backup;
mod commit;
mod config;
mod connect;
mod error;
mod facts;
mod follow;
mod keep;
mod notify;
mod queue;
mod read;
mod restore;
mod schema;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod tls;
mod write;

pub use backup::{backup, export_part, verify};
pub use config::{PostgresConfig, Wire};
pub use error::PostgresError;
pub use restore::{import_part, restore};
pub use store::PostgresStore;
