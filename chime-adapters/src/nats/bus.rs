//! The bus.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, Subscriber};
use async_trait::async_trait;
use chime_domain::error::{Cause, StoreError};
use chime_domain::ports::{Announced, Bus, Subscription};
use futures_util::StreamExt;

use super::config::{NatsConfig, NatsError};
use super::frame;
use super::link::Link;

/// Largest message, whatever more the server takes: a reader decodes it in one go.
const MOST_BYTES: usize = 512 * 1024;
/// What a message costs beside its payload, generously.
const SLACK: usize = 1024;
/// How long the server may take to take something.
const PATIENCE: Duration = Duration::from_secs(2);

/// Carries announcements over a NATS server. It connects by itself, and again when the server was away.
#[derive(Clone)]
pub struct NatsBus {
    link: Link,
    subject: String,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBus").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl NatsBus {
    /// A bus on these servers, which a text may name as [`NatsConfig::new`] says, for the nodes of the cluster with this
    /// id. The servers need not be reachable yet.
    ///
    /// # Errors
    ///
    /// [`NatsError`].
    pub async fn connect(servers: impl Into<NatsConfig>, cluster: &str) -> Result<Self, NatsError> {
        Self::with(&servers.into(), cluster, ConnectOptions::new()).await
    }

    /// Likewise, for a node that knows what it publishes itself: it does not hear that.
    ///
    /// # Errors
    ///
    /// [`NatsError`].
    pub async fn between(servers: impl Into<NatsConfig>, cluster: &str) -> Result<Self, NatsError> {
        Self::with(&servers.into(), cluster, ConnectOptions::new().no_echo()).await
    }

    async fn with(servers: &NatsConfig, cluster: &str, options: ConnectOptions) -> Result<Self, NatsError> {
        let link = Link::open(servers, options).await?;
        Ok(Self { link, subject: format!("chime.{cluster}") })
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.check().is_ok()
    }
}

fn unavailable(error: impl Into<Cause>) -> StoreError {
    StoreError::unavailable("the bus is unavailable", error)
}

#[async_trait]
impl Bus for NatsBus {
    async fn publish(&self, run: Arc<[Announced]>) -> Result<(), StoreError> {
        self.link.check().map_err(unavailable)?;
        let client = self.link.client();
        let most = client.max_payload().min(MOST_BYTES).saturating_sub(SLACK);
        for message in frame::encode(&run, most) {
            let published = client.publish(self.subject.clone(), message);
            match tokio::time::timeout(PATIENCE, published).await {
                Ok(published) => published.map_err(unavailable)?,
                Err(_) => return Err(unavailable("NATS does not take what is published")),
            }
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        let client = self.link.client();
        let subscriber = client.subscribe(self.subject.clone()).await.map_err(unavailable)?;
        // Heard from now on, if the server is there; if not, from when it is.
        if self.is_connected() {
            let _ = tokio::time::timeout(PATIENCE, client.flush()).await;
        }
        Ok(Box::new(Heard(subscriber)))
    }
}

struct Heard(Subscriber);

#[async_trait]
impl Subscription for Heard {
    async fn next(&mut self) -> Option<Arc<[Announced]>> {
        loop {
            let message = self.0.next().await?;
            match frame::decode(message.payload) {
                Some(run) => return Some(run),
                None => tracing::debug!("a message on the bus cannot be read"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use chime_domain::conformance::things::{key, thing};
    use chime_domain::conformance::{Task, drive};
    use chime_domain::ports::Position;
    use tokio::runtime::Runtime;

    use super::*;
    use crate::servers::Nats;

    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    });

    fn run(task: Task<'_>) {
        RUNTIME.block_on(task);
    }

    fn cluster() -> String {
        static CLUSTERS: AtomicU64 = AtomicU64::new(0);
        format!("test-{}", CLUSTERS.fetch_add(1, Ordering::Relaxed))
    }

    async fn connected(url: &str, cluster: &str) -> NatsBus {
        let bus = NatsBus::connect(url, cluster).await.unwrap();
        while !bus.is_connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bus
    }

    chime_domain::bus_conformance!(run = run, async { connected(&Nats::shared().url(), &cluster()).await });

    fn one(position: u64, size: usize) -> Arc<[Announced]> {
        let record = thing(&"x".repeat(size));
        Arc::new([Announced { position: Position(position), subject: key("s"), record, entry: None }])
    }

    #[test]
    fn clusters_on_one_server_do_not_hear_each_other_and_a_node_not_itself() {
        drive(run, async {
            let (url, cluster) = (Nats::shared().url(), cluster());
            let (one_node, other_node) =
                (NatsBus::between(&url, &cluster).await.unwrap(), connected(&url, &cluster).await);
            let elsewhere = connected(&url, "elsewhere").await;
            while !one_node.is_connected() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let mut own = one_node.subscribe().await.unwrap();
            let mut others = other_node.subscribe().await.unwrap();
            one_node.publish(one(1, 1)).await.unwrap();
            elsewhere.publish(one(2, 1)).await.unwrap();
            assert_eq!(others.next().await.unwrap()[0].position, Position(1));
            other_node.publish(one(3, 1)).await.unwrap();
            assert_eq!(own.next().await.unwrap()[0].position, Position(3));
            assert_eq!(others.next().await.unwrap()[0].position, Position(3));
        });
    }

    #[test]
    fn a_run_larger_than_a_message_of_the_server_arrives_whole() {
        drive(run, async {
            let bus = connected(&Nats::shared().url(), &cluster()).await;
            let mut subscription = bus.subscribe().await.unwrap();
            let run: Arc<[Announced]> = (1..=40).flat_map(|n| one(n, 100_000).to_vec()).collect();
            bus.publish(run).await.unwrap();
            let mut received = Vec::new();
            while received.len() < 40 {
                received.extend(subscription.next().await.unwrap().iter().map(|one| one.position.0));
            }
            assert!(received.into_iter().eq(1..=40));
        });
    }

    #[test]
    fn a_server_that_is_away_fails_publishing_at_once_and_is_found_when_it_is_back() {
        let mut server = Nats::start();
        drive(run, async {
            let bus = connected(&server.url(), "c").await;
            let mut subscription = bus.subscribe().await.unwrap();
            server.stop();
            while bus.is_connected() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let started = tokio::time::Instant::now();
            assert!(bus.publish(one(1, 1)).await.is_err());
            assert!(started.elapsed() < Duration::from_millis(500));
            server.resume();
            while !bus.is_connected() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            bus.publish(one(2, 1)).await.unwrap();
            assert_eq!(subscription.next().await.unwrap()[0].position, Position(2));
        });
    }

    #[test]
    fn a_bus_can_be_made_before_its_server_is_there() {
        drive(run, async {
            let bus = NatsBus::connect("nats://127.0.0.1:1", "c").await.unwrap();
            assert!(!bus.is_connected());
            let subscribed = tokio::time::timeout(Duration::from_secs(5), bus.subscribe()).await;
            assert!(subscribed.unwrap().is_ok());
            assert!(bus.publish(one(1, 1)).await.is_err());
            let refused = NatsBus::connect("http://me:hunter2@h", "c").await.unwrap_err();
            assert!(!format!("{refused} {refused:?}").contains("hunter2"));
        });
    }
}
