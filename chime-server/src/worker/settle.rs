//! What the outbox may forget: what both the relay and the pump of this node have carried on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chime_domain::error::StoreError;
use chime_domain::flow::Chime;
use chime_domain::ports::Position;

/// Settles the outbox. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Settling(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    chime: Chime,
    relayed: AtomicU64,
    pumped: AtomicU64,
    settled: AtomicU64,
}

impl Settling {
    /// With everything up to `settled` carried on by the relay. How far the pump has got, it says itself: its place is in
    /// the store, and may be before that of a node that has just begun.
    pub(crate) fn new(chime: Chime, settled: Position) -> Self {
        let at = |position: u64| AtomicU64::new(position);
        Self(Arc::new(Shared { chime, relayed: at(settled.0), pumped: at(0), settled: at(0) }))
    }

    /// The relay has carried everything up to `position` to the bus.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    pub(crate) async fn relayed(&self, position: Position) -> Result<(), StoreError> {
        self.0.relayed.fetch_max(position.0, Ordering::SeqCst);
        self.settle().await
    }

    /// The pump has queued everything up to `position` that is to be exported.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    pub(crate) async fn pumped(&self, position: Position) -> Result<(), StoreError> {
        self.0.pumped.fetch_max(position.0, Ordering::SeqCst);
        self.settle().await
    }

    async fn settle(&self) -> Result<(), StoreError> {
        let Shared { chime, relayed, pumped, settled } = &*self.0;
        let both = relayed.load(Ordering::SeqCst).min(pumped.load(Ordering::SeqCst));
        if both > settled.load(Ordering::SeqCst) {
            chime.store().settle(Position(both)).await?;
            settled.fetch_max(both, Ordering::SeqCst);
        }
        Ok(())
    }
}
