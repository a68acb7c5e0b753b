//! A NATS subject.

use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_trait::async_trait;
use bytes::Bytes;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;

use super::listeners::Listener;
use crate::nats::{NatsError, connect};

/// How long the server may take to take something.
const PATIENCE: Duration = Duration::from_secs(2);

/// Publishes events on one subject of a NATS server.
#[derive(Clone)]
pub struct NatsListener {
    client: Client,
    subject: String,
}

impl std::fmt::Debug for NatsListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NatsListener").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl NatsListener {
    /// A listener on the servers of `url`, as `NatsBus` takes them. They need not be reachable yet.
    ///
    /// # Errors
    ///
    /// [`NatsError`].
    pub async fn connect(url: &str, subject: &str) -> Result<Self, NatsError> {
        let client = connect(url, async_nats::ConnectOptions::new()).await?;
        Ok(Self { client, subject: subject.to_owned() })
    }
}

fn unreachable(why: impl Into<chime_domain::error::Cause>) -> AnnounceError {
    AnnounceError::Unreachable(why.into())
}

#[async_trait]
impl Listener for NatsListener {
    async fn hear(&self, _: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        // A client that is not connected would keep what it is given and send it later.
        if self.client.connection_state() != State::Connected {
            return Err(unreachable("there is no connection to NATS"));
        }
        let told = async {
            self.client.publish(self.subject.clone(), Bytes::copy_from_slice(&event.0)).await?;
            self.client.flush().await?;
            Ok::<_, chime_domain::error::Cause>(())
        };
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(told) => told.map_err(unreachable),
            Err(_) => Err(unreachable("NATS does not take what is published")),
        }
    }
}
