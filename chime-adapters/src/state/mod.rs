//! The state of a store as a stream of rows that is the same for every store: what backups are made of.
//!
//! Two stores hold the same state when their streams are the same, so the hash of a state is the SHA-256 of its stream,
//! and a backup of one store can be restored into another.
//!
//! # The format
//!
//! The line `chime-state 1`, then rows: a letter and its fields. A number is eight bytes, the greatest first; bytes are
//! four bytes of length and themselves; what may be absent has a byte before it, 0 or 1. Keys and ids are UTF-8.
//!
//! | letter | row | fields | order |
//! | --- | --- | --- | --- |
//! | `R` | record | key, revision, body | by key |
//! | `C` | counter | key, value | by key |
//! | `S` | log | key, sequence number, moment, moment of the last entry that was kept or absent | by key |
//! | `E` | entry of the log before it | sequence number, id, moment, body | by sequence number |
//! | `A` | announcement that may have to be carried on | position, subject, absent or (id, sequence number, moment), body | by position |
//! | `Z` | the end | newest position, newest revision, position that all was carried on to | one |
//!
//! A [`Part`] of a state has the same form, without announcements, and with zeros at its end.
//!
//! How a store numbers its logs, where its rows lie, and which nodes use it is no part of the state.

mod error;
mod part;
mod reader;
mod row;
mod writer;

pub use error::StateError;
pub use part::Part;
pub use reader::{StateReader, check};
pub use row::{Row, StateHash};
pub use writer::StateWriter;

/// The first line.
const HEADER: &[u8] = b"chime-state 1\n";

#[cfg(test)]
mod tests;
