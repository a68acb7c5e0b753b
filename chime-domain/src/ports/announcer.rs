//! Where the events of meetings are told.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Cause;
use crate::text::Private;

/// Somewhere that an event is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventTarget {
    /// One of those that hear of every meeting, by the announcer's name for it.
    Standing(Arc<str>),
    /// A queue, by its ARN.
    Queue(Arc<str>),
    /// A topic, by its ARN.
    Topic(Arc<str>),
    /// A function, by its ARN.
    Function(Arc<str>),
}

/// A target was not told.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// It does not take the event, or is not there; another try would meet the same.
    #[error("the target refuses: {0}")]
    Refused(String),
    /// It may work later.
    #[error("the target cannot be reached")]
    Unreachable(#[source] Cause),
}

/// Tells events to those who listen.
#[async_trait]
pub trait Announcer: Send + Sync + std::fmt::Debug {
    /// Those that hear of every meeting.
    fn standing(&self) -> Vec<EventTarget>;

    /// Whether targets of one meeting can be told at all; without that, nothing is kept for them.
    fn takes_targets(&self) -> bool;

    /// Tells one event, a JSON text, to all of these at once, each within seconds. One that fails or is slow holds no
    /// other up. Gives an outcome for each, in their order.
    async fn tell(&self, event: &Private<Vec<u8>>, targets: &[EventTarget])
    -> Vec<Result<(), AnnounceError>>;
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAnnouncer;

#[async_trait]
impl Announcer for NoAnnouncer {
    fn standing(&self) -> Vec<EventTarget> {
        Vec::new()
    }

    fn takes_targets(&self) -> bool {
        false
    }

    async fn tell(&self, _: &Private<Vec<u8>>, targets: &[EventTarget]) -> Vec<Result<(), AnnounceError>> {
        targets.iter().map(|_| Err(AnnounceError::Refused("nobody is told".into()))).collect()
    }
}
