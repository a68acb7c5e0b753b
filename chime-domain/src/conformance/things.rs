//! What the suites write, and dice whose throws a seed decides.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::ports::{
    Append, Batch, Change, Entity, EntryId, EntryQuery, Guard, Keep, Key, Order, Record, Revision, Scan,
    Store,
};
use crate::time::Timestamp;

/// The entity of the suites.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    pub text: String,
}

impl Entity for Thing {
    const NAME: &'static str = "conformance-thing";
}

/// A record that holds a text.
#[must_use]
pub fn thing(text: &str) -> Record {
    Record::of(Thing { text: text.to_owned() })
}

/// A key from text with slashes.
#[must_use]
pub fn key(text: &str) -> Key {
    Key::from_stored(text)
}

/// Milliseconds after an arbitrary start.
#[must_use]
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_600_000_000_000 + millis)
}

/// A batch of changes without guards.
#[must_use]
pub fn batch(changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch { changes: changes.into_iter().collect(), ..Batch::default() }
}

/// Writes a text.
#[must_use]
pub fn put(at: &str, text: &str) -> Change {
    Change::Put(key(at), thing(text))
}

/// Adds to a counter.
#[must_use]
pub fn count(counter: &str, by: i64, at_most: Option<u64>) -> Change {
    Change::Count { counter: key(counter), by, at_most }
}

/// Appends an entry whose text is its id.
#[must_use]
pub fn append(stream: &str, id: &str, millis: i64) -> Change {
    Change::Append(Append {
        stream: key(stream),
        id: Arc::from(id),
        at: at(millis),
        record: thing(id),
        keep: Keep::Yes,
    })
}

/// Appends an entry that is kept for some readers.
#[must_use]
pub fn aside(stream: &str, id: &str, millis: i64) -> Change {
    Change::Append(Append {
        stream: key(stream),
        id: Arc::from(id),
        at: at(millis),
        record: thing(id),
        keep: Keep::Aside,
    })
}

/// Appends an entry that is not kept.
#[must_use]
pub fn pass(stream: &str, id: &str, millis: i64) -> Change {
    Change::Append(Append {
        stream: key(stream),
        id: Arc::from(id),
        at: at(millis),
        record: thing(id),
        keep: Keep::No,
    })
}

/// A guard.
#[must_use]
pub fn guard(at: &str, revision: Option<Revision>) -> Guard {
    Guard { key: key(at), revision }
}

/// An entry id.
pub(super) fn id(text: &str) -> EntryId {
    Arc::from(text)
}

/// All of a log, oldest first.
#[must_use]
pub fn all(stream: &str) -> EntryQuery {
    EntryQuery {
        stream: key(stream),
        not_before: Timestamp::MIN,
        not_after: Timestamp::MAX,
        behind: None,
        order: Order::Ascending,
        limit: 100_000,
    }
}

/// Ids of the entries a query finds.
pub(super) async fn ids(store: &Arc<dyn Store>, query: EntryQuery) -> Vec<String> {
    store.entries(query).await.unwrap().iter().map(|entry| entry.id.to_string()).collect()
}

/// Revision of a record.
pub(super) async fn revision(store: &Arc<dyn Store>, at: &str) -> Option<u64> {
    store.get(&[key(at)]).await.unwrap()[0].as_ref().map(|found| found.revision)
}

/// Keys that a scan finds.
pub(super) async fn scanned(store: &Arc<dyn Store>, scan: Scan) -> Vec<String> {
    store.scan(scan).await.unwrap().into_iter().map(|(key, _)| key.to_string()).collect()
}

/// A scan of all that begins with a text.
pub(super) fn prefix(prefix: &str) -> Scan {
    Scan { prefix: prefix.to_owned(), after: None, before: None, limit: 1000 }
}

/// Claims that a batch was refused because the state moved.
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Conflict)), "expected a conflict, got {result:?}");
}

/// A small generator: the same seed gives the same throws everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice for a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next throw (the finalizer of a counter, as in splitmix generators).
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `sides`.
    pub fn below(&mut self, sides: u64) -> u64 {
        self.throw() % sides.max(1)
    }

    /// True once in `sides` throws.
    pub fn once_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}
