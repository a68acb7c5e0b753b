//! The reference store.

use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announced, Batch, Committed, Entry, EntryId, EntryQuery, Head, Key, Order, Outbox, Position, Scan, Store,
    Versioned,
};
use tokio::sync::watch;

use super::apply::Tables;

/// A store that forgets everything when it is dropped.
///
/// Announcements stay until they are settled, and the newest 65,536 of them beyond that.
#[derive(Debug)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
    newest: watch::Sender<Position>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { tables: Mutex::default(), newest: watch::Sender::new(Position::default()) }
    }

    /// A batch that panicked has not been taken back, but no code below panics; the tables stay usable.
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError> {
        let tables = self.tables();
        Ok(keys.iter().map(|key| tables.records.get(key).cloned()).collect())
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Versioned)>, StoreError> {
        let prefix = Key::from_stored(&scan.prefix);
        let start = match scan.after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let tables = self.tables();
        let found = tables
            .records
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.as_str().starts_with(&scan.prefix))
            .take_while(|(key, _)| scan.before.as_deref().is_none_or(|before| key.as_str() < before))
            .take(scan.limit);
        Ok(found.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    async fn count(&self, counter: &Key) -> Result<u64, StoreError> {
        Ok(self.tables().counters.get(counter).copied().unwrap_or_default())
    }

    async fn entry(&self, stream: &Key, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        let tables = self.tables();
        let found = tables.streams.get(stream);
        Ok(found.and_then(|stream| stream.entries.get(stream.ids.get(id)?)).cloned())
    }

    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, StoreError> {
        let tables = self.tables();
        let Some(stream) = tables.streams.get(&query.stream) else { return Ok(Vec::new()) };
        let within = |entry: &&Entry| (query.not_before..=query.not_after).contains(&entry.stamp.at);
        Ok(match query.order {
            Order::Ascending => {
                let start = query.behind.map_or(Bound::Unbounded, Bound::Excluded);
                let range = stream.entries.range((start, Bound::Unbounded)).map(|(_, entry)| entry);
                range.filter(within).take(query.limit).cloned().collect()
            }
            Order::Descending => {
                let end = query.behind.map_or(Bound::Unbounded, Bound::Excluded);
                let range = stream.entries.range((Bound::Unbounded, end)).rev().map(|(_, entry)| entry);
                range.filter(within).take(query.limit).cloned().collect()
            }
        })
    }

    async fn heads(&self, streams: &[Key]) -> Result<Vec<Head>, StoreError> {
        let tables = self.tables();
        let head = |key| tables.streams.get(key).map(|stream| stream.head).unwrap_or_default();
        Ok(streams.iter().map(head).collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let done = self.tables().commit(batch)?;
        // Two commits may get here in either order; the newest position never goes back.
        self.newest.send_if_modified(|newest| {
            let later = done.position > *newest;
            *newest = done.position.max(*newest);
            later
        });
        Ok(done)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn announced(&self, after: Position, limit: usize) -> Result<Vec<Announced>, StoreError> {
        let tables = self.tables();
        let start = tables.outbox.partition_point(|announced| announced.position <= after);
        Ok(tables.outbox.iter().skip(start).take(limit).cloned().collect())
    }

    async fn newest(&self) -> Result<Position, StoreError> {
        Ok(self.tables().newest)
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        Ok(self.tables().settled)
    }

    async fn wait_past(&self, position: Position) {
        // The sender lives as long as `self`, so the wait ends by an announcement only.
        let _ = self.newest.subscribe().wait_for(|newest| *newest > position).await;
    }

    async fn settle(&self, position: Position) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tables.settled = tables.settled.max(position.min(tables.newest));
        tables.forget();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    chime_domain::store_conformance!(async { MemoryStore::new() });
    chime_domain::outbox_conformance!(async { MemoryStore::new() });
}
