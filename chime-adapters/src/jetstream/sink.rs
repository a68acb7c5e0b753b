//! The sink.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::context::{PublishErrorKind, traits::Publisher as _};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{self, Context};
use async_trait::async_trait;
use chime_domain::ports::{CheckError, Sink, SinkError, SinkRecord, Taken};
use tokio::time::Instant;

use crate::chains::Chains;
use crate::nats::{Link, NatsConfig, NatsError};

/// How long the server may take to take something.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a run may take before the rest of it is left for the next one.
const RUN_TIME: Duration = Duration::from_secs(5);
/// Records that are under way at once, one of each key, at most.
const WAVE: usize = 256;
/// Bytes of them, at most.
const WAVE_BYTES: usize = 4 * 1024 * 1024;

/// Writes exported events to NATS JetStream.
#[derive(Debug)]
pub struct JetStreamSink {
    link: Link,
    context: Context,
    /// Streams that are there.
    known: Mutex<HashSet<String>>,
}

impl JetStreamSink {
    /// A sink on these servers, which a text may name as [`NatsConfig::new`] says. They need not run yet.
    ///
    /// # Errors
    ///
    /// [`NatsError`].
    pub async fn open(servers: impl Into<NatsConfig>) -> Result<Self, NatsError> {
        let options = ConnectOptions::new().request_timeout(Some(PATIENCE));
        let link = Link::open(&servers.into(), options).await?;
        let mut context = jetstream::new(link.client().clone());
        context.set_timeout(PATIENCE);
        Ok(Self { link, context, known: Mutex::default() })
    }

    /// Makes a stream unless it is there.
    async fn ensure(&self, name: &str) -> Result<(), SinkError> {
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return Ok(());
        }
        self.link.check().map_err(SinkError::Unavailable)?;
        let config = Config {
            name: name.to_owned(),
            subjects: vec![format!("chime.export.{name}.>")],
            storage: StorageType::File,
            ..Config::default()
        };
        let made = self.context.get_or_create_stream(config).await;
        made.map_err(|error| SinkError::Unavailable(Box::new(error)))?;
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        Ok(())
    }

    /// One wave. Gives the indices that arrived, and an error when there are others.
    async fn publish(
        &self,
        name: &str,
        records: &[SinkRecord],
        wave: &[usize],
    ) -> (Vec<usize>, Option<SinkError>) {
        let (mut under_way, mut arrived, mut error) = (Vec::with_capacity(wave.len()), Vec::new(), None);
        for index in wave {
            let Some(record) = records.get(*index) else { continue };
            let channel = token(record.key.rsplit('/').next().unwrap_or_default());
            let message = PublishMessage::build()
                .payload(record.data.0.clone())
                .message_id(format!("{name}-{}", record.position.0));
            match self
                .context
                .publish_message(message.outbound_message(format!("chime.export.{name}.{channel}")))
                .await
            {
                Ok(ack) => under_way.push((*index, ack)),
                Err(failed) => error = Some(self.of(name, failed)),
            }
        }
        for (index, ack) in under_way {
            match ack.await {
                Ok(_) => arrived.push(index),
                Err(failed) => error = Some(self.of(name, failed)),
            }
        }
        (arrived, error)
    }

    fn of(&self, name: &str, error: jetstream::context::PublishError) -> SinkError {
        match error.kind() {
            PublishErrorKind::StreamNotFound => {
                // It is made again with the next run.
                self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
                SinkError::Unavailable(Box::new(error))
            }
            PublishErrorKind::MaxPayloadExceeded => SinkError::Rejected("an event is too long".into()),
            PublishErrorKind::MaxAckPending => SinkError::Throttled,
            _ => SinkError::Unavailable(Box::new(error)),
        }
    }
}

/// A text as a token of a subject, and as the name of a stream.
fn token(text: &str) -> String {
    text.replace('.', "=")
}

/// The name of a stream by its ARN.
pub(super) fn stream(destination: &str) -> String {
    token(destination.rsplit_once(":stream/").map_or(destination, |(_, name)| name))
}

#[async_trait]
impl Sink for JetStreamSink {
    async fn check(&self, destination: &str) -> Result<(), CheckError> {
        let name = stream(destination);
        // It may have been removed since.
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        match tokio::time::timeout(RUN_TIME, self.ensure(&name)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(SinkError::Unavailable(cause))) => Err(CheckError::Unavailable(cause)),
            Ok(Err(error)) => Err(CheckError::Unavailable(Box::new(error))),
            Err(elapsed) => Err(CheckError::Unavailable(elapsed.into())),
        }
    }

    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
        let (name, begun) = (stream(destination), Instant::now());
        if let Err(error) = self.ensure(&name).await {
            return Taken::none(error);
        }
        let mut chains = Chains::new(records);
        loop {
            let wave = chains.wave(records, WAVE, WAVE_BYTES);
            if wave.is_empty() {
                return Taken { taken: chains.into_taken(), error: None };
            }
            if let Err(error) = self.link.check() {
                return Taken { taken: chains.into_taken(), error: Some(SinkError::Unavailable(error)) };
            }
            let (arrived, error) = self.publish(&name, records, &wave).await;
            chains.took(&arrived);
            if error.is_some() || begun.elapsed() >= RUN_TIME {
                return Taken { taken: chains.into_taken(), error };
            }
        }
    }
}
