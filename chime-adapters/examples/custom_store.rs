//! A store of one's own: it counts what is written and leaves the rest to another store.
//!
//! `cargo run -p chime-adapters --example custom_store` uses it; `cargo test -p chime-adapters --example custom_store`
//! shows by the exported suites that it keeps the contract. An adapter of another database differs in the bodies only.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]
// A wrapper passes every method on, so that a new one is not forgotten.
#![deny(clippy::missing_trait_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chime_adapters::memory::MemoryStore;
use chime_adapters::{SystemClock, SystemEntropy};
use chime_domain::Chime;
use chime_domain::error::StoreError;
use chime_domain::identity::CreateAppInstance;
use chime_domain::ports::{
    Announced, Batch, Committed, Entry, EntryId, EntryQuery, Head, Key, Outbox, Position, Scan, Store,
    Versioned,
};
use chime_domain::text::ResourceName;

/// Counts commits that took effect and commits that were refused.
#[derive(Debug, Default)]
struct CountingStore<S> {
    inner: S,
    committed: AtomicU64,
    refused: AtomicU64,
}

#[async_trait]
impl<S: Store> Store for CountingStore<S> {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Versioned)>, StoreError> {
        self.inner.scan(scan).await
    }

    async fn count(&self, counter: &Key) -> Result<u64, StoreError> {
        self.inner.count(counter).await
    }

    async fn entry(&self, stream: &Key, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        self.inner.entry(stream, id).await
    }

    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(query).await
    }

    async fn heads(&self, streams: &[Key]) -> Result<Vec<Head>, StoreError> {
        self.inner.heads(streams).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        let done = self.inner.commit(batch).await;
        let counter = if done.is_ok() { &self.committed } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        done
    }

    async fn commit_patiently(&self, batch: Batch) -> Result<Committed, StoreError> {
        let done = self.inner.commit_patiently(batch).await;
        let counter = if done.is_ok() { &self.committed } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        done
    }
}

#[async_trait]
impl<S: Store> Outbox for CountingStore<S> {
    async fn announced(&self, after: Position, limit: usize) -> Result<Vec<Announced>, StoreError> {
        self.inner.announced(after, limit).await
    }

    async fn newest(&self) -> Result<Position, StoreError> {
        self.inner.newest().await
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        self.inner.settled().await
    }

    async fn wait_past(&self, position: Position) {
        self.inner.wait_past(position).await;
    }

    async fn settle(&self, position: Position) -> Result<(), StoreError> {
        self.inner.settle(position).await
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(CountingStore::<MemoryStore>::default());
    let handle = Arc::clone(&store) as Arc<dyn Store>;
    let chime = Chime::shared(handle, Arc::new(SystemClock), Arc::new(SystemEntropy)).build().await?;
    for name in ["one", "two", "three"] {
        chime.identity().create_app_instance(CreateAppInstance::new(ResourceName::new(name)?)).await?;
    }
    println!(
        "{} commits took effect and {} were refused",
        store.committed.load(Ordering::Relaxed),
        store.refused.load(Ordering::Relaxed)
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

#[cfg(test)]
mod contract {
    use super::*;

    chime_domain::store_conformance!(async { CountingStore::<MemoryStore>::default() });
    chime_domain::outbox_conformance!(async { CountingStore::<MemoryStore>::default() });
}

#[test]
fn every_command_is_one_commit() {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let store = Arc::new(CountingStore::<MemoryStore>::default());
        let handle = Arc::clone(&store) as Arc<dyn Store>;
        let builder = Chime::shared(handle, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let chime = builder.build().await.unwrap();
        let before = store.committed.load(Ordering::Relaxed);
        let command = CreateAppInstance::new(ResourceName::new("one").unwrap());
        let app = chime.identity().create_app_instance(command).await.unwrap();
        chime.identity().describe_app_instance(&app).await.unwrap();
        assert_eq!(store.committed.load(Ordering::Relaxed) - before, 1);
    });
}
