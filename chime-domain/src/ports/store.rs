//! The storage port.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Key, Outbox, Position, Record, Revision, Stamp, Versioned};
use crate::error::StoreError;
use crate::time::Timestamp;

/// Keeps everything the service knows.
///
/// `chime_adapters::memory::MemoryStore` is the reference behaviour; `store_conformance!` runs the contract below
/// against an adapter.
#[async_trait]
pub trait Store: Outbox + Send + Sync + std::fmt::Debug {
    /// The records at `keys`, in their order, all as of one moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError>;

    /// Records in the order of their keys (see [`Scan`]), as of one moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Versioned)>, StoreError>;

    /// The value of a counter; 0 for one that was never changed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn count(&self, counter: &Key) -> Result<u64, StoreError>;

    /// The entry `id` of a stream.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn entry(&self, stream: &Key, id: &EntryId) -> Result<Option<Entry>, StoreError>;

    /// Entries of a stream in the order of their sequence (see [`EntryQuery`]), as of one moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, StoreError>;

    /// How far each stream has got, in the order of `streams`, as of one moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn heads(&self, streams: &[Key]) -> Result<Vec<Head>, StoreError>;

    /// Makes every change and every announcement of the batch, durably, or none.
    ///
    /// Batches take effect one after the other. Announcements enter the outbox in that order.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when a guard does not hold or an entry id is taken, [`StoreError::LimitReached`] when
    /// a counter would pass its limit, [`StoreError::Unavailable`] when nothing could be written. Nothing was changed
    /// then.
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError>;

    /// The same for what nobody waits for, one of very many: a store in which commits hold each other up leaves most of
    /// its time to the others.
    ///
    /// # Errors
    ///
    /// As [`Store::commit`].
    async fn commit_patiently(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.commit(batch).await
    }
}

/// A range of records: those whose key begins with `prefix`, after `after`.
#[derive(Clone, Debug)]
pub struct Scan {
    /// What the keys begin with.
    pub prefix: String,
    /// Only keys greater than this one.
    pub after: Option<Key>,
    /// Only keys less than this text.
    pub before: Option<String>,
    /// At most so many records.
    pub limit: usize,
}

impl Scan {
    /// The records below `parent`.
    #[must_use]
    pub fn below(parent: &Key, limit: usize) -> Self {
        Self { prefix: parent.below(), after: None, before: None, limit }
    }

    /// Continues after a key.
    #[must_use]
    pub fn after(mut self, key: Option<Key>) -> Self {
        self.after = key;
        self
    }
}

/// The id of an entry within its stream.
pub type EntryId = Arc<str>;

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id within the stream.
    pub id: EntryId,
    /// Its place and moment in the stream.
    pub stamp: Stamp,
    /// What it holds.
    pub record: Record,
}

/// Direction of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// A range of a log.
#[derive(Clone, Debug)]
pub struct EntryQuery {
    /// Which log.
    pub stream: Key,
    /// Only entries at or after this moment.
    pub not_before: Timestamp,
    /// Only entries at or before this moment.
    pub not_after: Timestamp,
    /// Continue behind this sequence number, in the direction of `order`.
    pub behind: Option<u64>,
    /// Direction.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

/// How far a stream has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Sequence number of the last entry; 0 before the first.
    pub seq: u64,
    /// Moment of the last entry that is kept for all readers, [`Keep::Yes`].
    pub last_kept: Option<Timestamp>,
}

/// One atomic write.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What must still be so.
    pub guards: Vec<Guard>,
    /// What changes, in order.
    pub changes: Vec<Change>,
    /// What is announced, in order, after the announcements of [`Append`]s.
    pub announce: Vec<Announce>,
}

impl Batch {
    /// True when it would write and announce nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.announce.is_empty()
    }
}

/// A record must still be at the revision at which it was read; `None`: must still not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Which record.
    pub key: Key,
    /// Its revision.
    pub revision: Option<Revision>,
}

/// One change of a batch.
#[derive(Clone, Debug)]
pub enum Change {
    /// Writes a record, new or not.
    Put(Key, Record),
    /// Removes a record; nothing happens when there is none.
    Delete(Key),
    /// Adds to a counter. Below zero it stays at zero.
    Count {
        /// Key of the counter.
        counter: Key,
        /// How much is added.
        by: i64,
        /// The batch fails with [`StoreError::LimitReached`] when the sum would be greater.
        at_most: Option<u64>,
    },
    /// Appends to a log.
    Append(Append),
    /// Replaces what an entry holds; its place and moment stay. The batch fails with a conflict when there is none, or
    /// when it no longer holds `was`.
    Replace {
        /// Which log.
        stream: Key,
        /// Which entry.
        id: EntryId,
        /// What it must still hold; anything when absent.
        was: Option<Record>,
        /// What it holds from now on.
        record: Record,
    },
    /// Removes an entry; nothing happens when there is none.
    Remove {
        /// Which log.
        stream: Key,
        /// Which entry.
        id: EntryId,
    },
    /// Removes the oldest entries of a log, up to and including a moment, at most `limit` of them.
    Trim {
        /// Which log.
        stream: Key,
        /// Entries at or before this moment go.
        until: Timestamp,
        /// At most so many in one batch, so that a large trim does not hold up other writers.
        limit: usize,
    },
    /// Forgets how far a stream has got, once it has no entries.
    DropStream(Key),
}

/// An entry to append. The commit gives it the next sequence number of its stream.
#[derive(Clone, Debug)]
pub struct Append {
    /// Which log.
    pub stream: Key,
    /// Its id, unused in the stream so far.
    pub id: EntryId,
    /// When it was made. The commit lifts it to the stream's last moment, should that be later.
    pub at: Timestamp,
    /// What it holds.
    pub record: Record,
    /// Whether it is kept.
    pub keep: Keep,
}

/// Whether an appended entry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is, and [`Head::last_kept`] is its moment.
    Yes,
    /// It is, for some readers only: [`Head::last_kept`] stays.
    Aside,
    /// It takes its place in the order and is announced, but is not kept (rule MSG-07).
    No,
}

/// Something to announce beside the appended entries, which announce themselves.
#[derive(Clone, Debug)]
pub struct Announce {
    /// What it is about; announcements of one subject keep their order everywhere.
    pub subject: Key,
    /// The event.
    pub record: Record,
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Position of the batch's last announcement, or of the outbox when it had none.
    pub position: Position,
    /// Places of the appended entries, in the order of the batch.
    pub stamps: Vec<Stamp>,
    /// How many entries [`Change::Trim`]s removed.
    pub trimmed: usize,
}
