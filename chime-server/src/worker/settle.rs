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
    /// With everything up to `settled` carried on by both.
    pub(crate) fn new(chime: Chime, settled: Position) -> Self {
        let at = || AtomicU64::new(settled.0);
        Self(Arc::new(Shared { chime, relayed: at(), pumped: at(), settled: at() }))
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
