//! A NATS subject.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;

use super::listeners::Listener;
use crate::nats::{Link, NatsConfig, NatsError};

/// How long the server may take to take something.
const PATIENCE: Duration = Duration::from_secs(2);

/// Publishes events on one subject of a NATS server.
#[derive(Clone)]
pub struct NatsListener {
    link: Link,
    subject: String,
}

impl std::fmt::Debug for NatsListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsListener").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl NatsListener {
    /// A listener on these servers, which a text may name as [`NatsConfig::new`] says. They need not be reachable yet.
    ///
    /// # Errors
    ///
    /// [`NatsError`].
    pub async fn connect(servers: impl Into<NatsConfig>, subject: &str) -> Result<Self, NatsError> {
        let link = Link::open(&servers.into(), async_nats::ConnectOptions::new()).await?;
        Ok(Self { link, subject: subject.to_owned() })
    }
}

fn unreachable(why: impl Into<chime_domain::error::Cause>) -> AnnounceError {
    AnnounceError::Unreachable(why.into())
}

#[async_trait]
impl Listener for NatsListener {
    async fn hear(&self, _: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        self.link.check().map_err(unreachable)?;
        let client = self.link.client();
        let told = async {
            client.publish(self.subject.clone(), Bytes::copy_from_slice(&event.0)).await?;
            client.flush().await?;
            Ok::<_, chime_domain::error::Cause>(())
        };
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(told) => told.map_err(unreachable),
            Err(_) => Err(unreachable("NATS does not take what is published")),
        }
    }
}
