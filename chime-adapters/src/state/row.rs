//! Rows and the hash over them.

use std::fmt;
use std::str::FromStr;

use super::StateError;

/// A digest of everything that a store holds: records with their revisions, counters, logs, and what is to be announced.
/// It is the same in every kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHash(pub(super) [u8; 32]);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for StateHash {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        const WRONG: StateError = StateError::Damaged("a hash is not 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(WRONG);
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| WRONG)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(hash))
    }
}

/// One row of a state, with `B` for its bytes. Moments are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row<B> {
    /// A record.
    Record {
        /// Its key.
        key: B,
        /// Its revision.
        revision: i64,
        /// Its stored form.
        body: B,
    },
    /// A counter.
    Counter {
        /// Its key.
        key: B,
        /// What it stands at.
        value: i64,
    },
    /// A log, before its entries.
    Stream {
        /// Its key.
        key: B,
        /// Sequence number of its last entry, kept or not.
        seq: i64,
        /// Moment of its last entry, kept or not.
        at: i64,
        /// Moment of its last entry that was kept.
        last_kept: Option<i64>,
    },
    /// An entry of the log before it.
    Entry {
        /// Its sequence number.
        seq: i64,
        /// Its id in the log.
        id: B,
        /// Its moment.
        at: i64,
        /// Its stored form.
        body: B,
    },
    /// An announcement that may have to be carried on.
    Announcement {
        /// Its place in the outbox.
        position: i64,
        /// What it is about.
        subject: B,
        /// Id, sequence number and moment of the entry that it tells of.
        entry: Option<(B, i64, i64)>,
        /// What is announced.
        body: B,
    },
    /// The end.
    End {
        /// The newest position of the outbox.
        position: i64,
        /// The newest revision of any record.
        revision: i64,
        /// Up to here everything was carried on.
        settled: i64,
    },
}
