//! Records in memory for reading, kept true by the writer.
//!
//! INVARIANT: what the cache holds is the state after the last finished transaction, so that an answer from the cache
//! alone is the state of one moment. Between the commit of a transaction and its [`ReadCache::finish`] readers of the
//! database see more than that; so the keys it changes are taken out before the commit and let in again after it,
//! and a reader may put in what it read only if no transaction finished since before it looked.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use chime_domain::ports::{Key, Versioned};

/// What a slot costs beside its key and bytes.
const OVERHEAD: usize = 160;

/// Number of finished transactions that changed records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u64);

#[derive(Debug)]
pub(super) struct ReadCache {
    limit: usize,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    epoch: u64,
    slots: HashMap<Key, Slot>,
    bytes: usize,
    /// Keys that a transaction under way changes.
    changing: HashSet<Key>,
}

#[derive(Debug)]
struct Slot {
    /// `None` for a record that does not exist, which is asked for as often.
    value: Option<Versioned>,
    used: AtomicBool,
}

impl ReadCache {
    /// Holds up to `limit` bytes; nothing when it is 0.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, inner: RwLock::default() }
    }

    /// The records at `keys` if it holds all of them, otherwise the epoch at which to ask the database.
    pub(super) fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Epoch> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(slot) = inner.slots.get(key) else { return Err(Epoch(inner.epoch)) };
            slot.used.store(true, Ordering::Relaxed);
            found.push(slot.value.clone());
        }
        Ok(found)
    }

    /// Takes in what a reader found that had asked at `epoch`.
    pub(super) fn fill(&self, epoch: Epoch, keys: &[Key], values: &[Option<Versioned>]) {
        if self.limit == 0 {
            return;
        }
        let mut inner = self.write();
        if inner.epoch == epoch.0 {
            for (key, value) in keys.iter().zip(values) {
                if !inner.changing.contains(key) {
                    inner.insert(key.clone(), value.clone(), self.limit);
                }
            }
        }
    }

    /// Takes out what a transaction is about to change.
    pub(super) fn begin<'a>(&self, keys: impl Iterator<Item = &'a Key>) {
        if self.limit == 0 {
            return;
        }
        let mut inner = self.write();
        for key in keys {
            inner.remove(key);
            inner.changing.insert(key.clone());
        }
    }

    /// Takes in what a transaction changed; nothing when it failed.
    pub(super) fn finish(&self, changed: impl Iterator<Item = (Key, Option<Versioned>)>) {
        if self.limit == 0 {
            return;
        }
        let mut inner = self.write();
        inner.epoch += 1;
        inner.changing.clear();
        for (key, value) in changed {
            inner.insert(key, value, self.limit);
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(&mut self, key: Key, value: Option<Versioned>, limit: usize) {
        self.remove(&key);
        let size = size(&key, value.as_ref());
        if self.bytes + size > limit {
            self.sweep(limit);
        }
        if size <= limit / 16 {
            self.bytes += size;
            self.slots.insert(key, Slot { value, used: AtomicBool::new(false) });
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.slots.remove(key) {
            self.bytes -= size(key, slot.value.as_ref());
        }
    }

    /// Drops what was not used since the last sweep, and everything if that is not enough.
    fn sweep(&mut self, limit: usize) {
        self.slots.retain(|_, slot| slot.used.swap(false, Ordering::Relaxed));
        self.bytes = self.slots.iter().map(|(key, slot)| size(key, slot.value.as_ref())).sum();
        if self.bytes > limit / 4 * 3 {
            self.slots.clear();
            self.bytes = 0;
        }
    }
}

fn size(key: &Key, value: Option<&Versioned>) -> usize {
    OVERHEAD + key.as_str().len() + value.map_or(0, |value| value.record.bytes().len())
}

#[cfg(test)]
mod tests {
    use chime_domain::conformance::things::{key, thing};

    use super::*;

    fn value(revision: u64) -> Option<Versioned> {
        Some(Versioned { revision, record: thing("x") })
    }

    #[test]
    fn what_was_read_before_a_transaction_finished_is_not_taken_in_after_it() {
        let cache = ReadCache::new(1 << 20);
        let a = [key("a")];
        let asked = cache.get(&a).unwrap_err();
        cache.begin(a.iter());
        cache.fill(asked, &a, &[value(1)]);
        assert!(cache.get(&a).is_err(), "a key that is changing was taken in");
        cache.finish([(key("a"), value(2))].into_iter());
        cache.fill(asked, &a, &[value(1)]);
        assert_eq!(cache.get(&a).unwrap(), [value(2)]);
    }

    #[test]
    fn a_record_that_a_transaction_changes_is_asked_of_the_database_until_it_finished() {
        let cache = ReadCache::new(1 << 20);
        let (a, b) = ([key("a")], [key("b")]);
        let asked = cache.get(&a).unwrap_err();
        cache.fill(asked, &a, &[value(1)]);
        cache.fill(asked, &b, &[value(1)]);
        cache.begin(a.iter());
        assert!(cache.get(&a).is_err());
        assert_eq!(cache.get(&b).unwrap(), [value(1)]);
        // The transaction failed: what it did not change after all may be taken in again.
        cache.finish(std::iter::empty());
        let asked = cache.get(&a).unwrap_err();
        cache.fill(asked, &a, &[value(1)]);
        assert_eq!(cache.get(&a).unwrap(), [value(1)]);
    }

    #[test]
    fn it_stays_below_its_limit_and_keeps_what_is_used() {
        let cache = ReadCache::new(20_000);
        let used = [key("used")];
        let asked = cache.get(&used).unwrap_err();
        cache.fill(asked, &used, &[value(1)]);
        for n in 0..1000 {
            assert!(cache.get(&used).is_ok(), "forgotten after {n}");
            cache.fill(asked, &[key(&n.to_string())], &[value(1)]);
            let inner = cache.inner.read().unwrap();
            let sizes: usize = inner.slots.iter().map(|(key, slot)| size(key, slot.value.as_ref())).sum();
            assert_eq!(inner.bytes, sizes);
            assert!(inner.bytes <= 20_000);
        }
    }

    #[test]
    fn a_cache_without_room_answers_nothing() {
        let cache = ReadCache::new(0);
        let a = [key("a")];
        let asked = cache.get(&a).unwrap_err();
        cache.fill(asked, &a, &[value(1)]);
        cache.finish([(key("a"), value(2))].into_iter());
        assert!(cache.get(&a).is_err());
    }
}
