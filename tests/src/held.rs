//! A store whose patient commits wait until they may go on.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chime_adapters::memory::MemoryStore;
use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announced, Batch, Committed, Entry, EntryId, EntryQuery, Head, Key, Outbox, Position, Scan, Store,
    Versioned,
};
use tokio::sync::watch;

/// A memory store whose patient commits are counted, and wait while it is held.
#[derive(Debug)]
pub struct HeldStore {
    store: MemoryStore,
    open: watch::Sender<bool>,
    patient: AtomicUsize,
}

impl HeldStore {
    /// An empty one that is held, or not.
    #[must_use]
    pub fn new(held: bool) -> Self {
        Self { store: MemoryStore::new(), open: watch::Sender::new(!held), patient: AtomicUsize::new(0) }
    }

    /// Patient commits go on.
    pub fn let_go(&self) {
        self.open.send_replace(true);
    }

    /// How many patient commits were begun.
    pub fn patient(&self) -> usize {
        self.patient.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Outbox for HeldStore {
    async fn announced(&self, after: Position, limit: usize) -> Result<Vec<Announced>, StoreError> {
        self.store.announced(after, limit).await
    }
    async fn newest(&self) -> Result<Position, StoreError> {
        self.store.newest().await
    }
    async fn settled(&self) -> Result<Position, StoreError> {
        self.store.settled().await
    }
    async fn wait_past(&self, position: Position) {
        self.store.wait_past(position).await;
    }
    async fn settle(&self, position: Position) -> Result<(), StoreError> {
        self.store.settle(position).await
    }
}

#[async_trait]
impl Store for HeldStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError> {
        self.store.get(keys).await
    }
    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Versioned)>, StoreError> {
        self.store.scan(scan).await
    }
    async fn count(&self, counter: &Key) -> Result<u64, StoreError> {
        self.store.count(counter).await
    }
    async fn entry(&self, stream: &Key, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.store.entry(stream, id).await
    }
    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, StoreError> {
        self.store.entries(query).await
    }
    async fn heads(&self, streams: &[Key]) -> Result<Vec<Head>, StoreError> {
        self.store.heads(streams).await
    }
    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.store.commit(batch).await
    }
    async fn commit_patiently(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.patient.fetch_add(1, Ordering::Relaxed);
        // The sender is `self`, so the channel does not close while this waits.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
        self.store.commit(batch).await
    }
}
