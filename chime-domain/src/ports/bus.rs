//! The event bus: carries announcements from the outbox to every node's fan-out.

use std::sync::Arc;

use async_trait::async_trait;

use super::Announced;
use crate::error::StoreError;

/// Carries announcements to every subscriber, in order for each subject.
#[async_trait]
pub trait Bus: Send + Sync + std::fmt::Debug {
    /// Hands a run of announcements to every subscriber. Waits when one of them has fallen far behind.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when they could not be handed over; the caller tries again.
    async fn publish(&self, run: Arc<[Announced]>) -> Result<(), StoreError>;

    /// Receives everything that is published from now on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError>;
}

/// One subscriber's end of a [`Bus`].
#[async_trait]
pub trait Subscription: Send {
    /// The next run, or `None` when the bus has ended.
    async fn next(&mut self) -> Option<Arc<[Announced]>>;
}
