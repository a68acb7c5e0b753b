//! Sinks: where streaming export delivers events to.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::Position;
use crate::error::Cause;
use crate::text::Private;

/// A sink did not take records.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The destination does not exist or may not be written to. Only an operator can mend that.
    #[error("the destination refuses: {0}")]
    Rejected(String),
    /// The destination takes no more for now.
    #[error("the destination throttles")]
    Throttled,
    /// It may work later.
    #[error("the destination is unavailable")]
    Unavailable(#[source] Cause),
}

/// A destination does not meet what streaming asks of it.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no such destination (rule STR-06).
    #[error("the destination does not exist")]
    Missing,
    /// It has fewer than two shards (rule STR-04).
    #[error("the destination has fewer than two shards")]
    TooFewShards,
    /// It is not encrypted at rest (rule STR-05).
    #[error("server-side encryption of the destination is off")]
    NotEncrypted,
    /// The sink may not use it, or there is no sink.
    #[error("the destination cannot be used: {0}")]
    Refused(String),
    /// The sink cannot be asked now.
    #[error("the destination cannot be checked now")]
    Unavailable(#[source] Cause),
}

/// One event for a sink.
#[derive(Clone, Debug)]
pub struct SinkRecord {
    /// Records of one key keep their order: the ARN of the channel.
    pub key: Arc<str>,
    /// A JSON text without line breaks.
    pub data: Private<Bytes>,
    /// Place of the event in the outbox: the same when the record is handed over again, greater for later events.
    pub position: Position,
}

/// How far a sink got with a run of records.
#[derive(Debug, Default)]
pub struct Taken {
    /// Indices of the records that it has durably, in ascending order. Of each key, these are the first ones of the run.
    pub taken: Vec<usize>,
    /// Why it did not take the others. Without an error it took all, or at least one and had no time for the rest.
    pub error: Option<SinkError>,
}

impl Taken {
    /// All of `count` records.
    #[must_use]
    pub fn all(count: usize) -> Self {
        Self { taken: (0..count).collect(), error: None }
    }

    /// None of them.
    #[must_use]
    pub fn none(error: SinkError) -> Self {
        Self { taken: Vec::new(), error: Some(error) }
    }
}

/// Takes exported events, at least once, in order for each key.
#[async_trait]
pub trait Sink: Send + Sync + std::fmt::Debug {
    /// Whether a destination, the ARN of a stream, meets what is documented (rules STR-04 to STR-06), as far as the sink
    /// has a notion of that.
    ///
    /// # Errors
    ///
    /// [`CheckError`].
    async fn check(&self, destination: &str) -> Result<(), CheckError>;

    /// Hands a run of records to a destination, trying again as the adapter sees fit, within ten seconds.
    ///
    /// Whoever calls hands what was not taken over again. A record that was handed over before may arrive twice when the
    /// answer to that was lost.
    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken;
}

/// No sink: no destination can be configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

#[async_trait]
impl Sink for NoSink {
    async fn check(&self, _: &str) -> Result<(), CheckError> {
        Err(CheckError::Refused("this server exports nothing".into()))
    }

    async fn put(&self, _: &str, _: &[SinkRecord]) -> Taken {
        Taken::none(SinkError::Rejected("this server exports nothing".into()))
    }
}
