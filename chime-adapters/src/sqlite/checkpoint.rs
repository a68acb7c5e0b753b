//! Moving pages from the write-ahead log into the database.
//!
//! A thread beside the writer does most of it, without holding the writer up. The log starts over only when all of
//! it has been moved and the writer pauses, so under steady load the writer itself moves the rest now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;

/// Pages after which the thread beside the writer is woken, and again after as many more.
pub(super) const EVERY: i32 = 1024;

/// Pages at which the writer moves what is left (64 MiB).
pub(super) const MOST: i32 = 16_384;

/// Moves pages whenever it is unparked, until `over`.
pub(super) fn beside(connection: &Connection, over: &Arc<AtomicBool>) {
    while !over.load(Ordering::Acquire) {
        thread::park();
        if !over.load(Ordering::Acquire) {
            run(connection);
        }
    }
}

/// Moves what can be moved without waiting for anyone.
pub(super) fn run(connection: &Connection) {
    // A failure (a full disk, say) loses nothing: the log keeps the pages, and the next checkpoint tries again.
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}

/// Moves everything and empties the log.
pub(super) fn at_the_end(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}
