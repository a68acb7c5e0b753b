//! A store whose commits fail as told, before or after they took effect.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chime_adapters::memory::MemoryStore;
use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announced, Batch, Committed, Entry, EntryId, EntryQuery, Head, Key, Outbox, Position, Scan, Store,
    Versioned,
};

/// How a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing was written.
    Before,
    /// All was written, and nobody was told.
    After,
}

#[derive(Debug, Default)]
pub(super) struct Flaky {
    store: MemoryStore,
    faults: Mutex<VecDeque<(usize, Fault)>>,
}

impl Flaky {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The commit after so many others fails.
    pub(super) fn fail(&self, after: usize, fault: Fault) {
        self.faults.lock().unwrap().push_back((after, fault));
    }

    /// No commit fails any more.
    pub(super) fn mend(&self) {
        self.faults.lock().unwrap().clear();
    }

    fn fault(&self) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let (after, fault) = faults.front_mut()?;
        match after.checked_sub(1) {
            Some(left) => {
                *after = left;
                None
            }
            None => {
                let fault = *fault;
                faults.pop_front();
                Some(fault)
            }
        }
    }
}

#[async_trait]
impl Outbox for Flaky {
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
impl Store for Flaky {
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
        let lost = || StoreError::unavailable("the connection is lost", "a test's fault");
        match self.fault() {
            None => self.store.commit(batch).await,
            Some(Fault::Before) => Err(lost()),
            Some(Fault::After) => {
                self.store.commit(batch).await?;
                Err(lost())
            }
        }
    }
    async fn commit_patiently(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.commit(batch).await
    }
}
