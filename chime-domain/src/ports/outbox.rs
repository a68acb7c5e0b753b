//! The outbox: what commits announce, in commit order.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{EntryId, Key, Record};
use crate::error::StoreError;
use crate::time::Timestamp;

/// Place of an announcement in the outbox. Later announcements have greater positions; there may be gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(pub u64);

/// Place and moment of an entry in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Sequence number, from 1, without gaps while entries are appended.
    pub seq: u64,
    /// Moment; never less than that of the entry before.
    pub at: Timestamp,
}

/// An announcement that was committed.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Its place in the outbox.
    pub position: Position,
    /// What it is about: the stream for an appended entry.
    pub subject: Key,
    /// The event, or what the appended entry holds.
    pub record: Record,
    /// Id and place of the appended entry.
    pub entry: Option<(EntryId, Stamp)>,
}

/// Reads what was committed, for those who carry it on.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Announcements after a position, in commit order, at most `limit`; empty when there are none yet.
    ///
    /// Everything that was not settled is there, after a crash too.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Corrupt`].
    async fn announced(&self, after: Position, limit: usize) -> Result<Vec<Announced>, StoreError>;

    /// Position of the newest announcement.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn newest(&self) -> Result<Position, StoreError>;

    /// Position up to which everything was carried on, [`Outbox::settle`].
    ///
    /// A store that several processes share does not wait for ever for one that is away. When it has forgotten what this
    /// process has not carried on yet, it says so by a position behind that: whoever follows has to start over there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn settled(&self) -> Result<Position, StoreError>;

    /// Waits until there is an announcement after a position. May return early.
    async fn wait_past(&self, position: Position);

    /// Everything up to `position` has been carried on and may be forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn settle(&self, position: Position) -> Result<(), StoreError>;
}
