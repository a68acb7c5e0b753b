//! What every request shares.

use std::sync::Arc;

use chime_adapters::TestClock;
use chime_domain::flow::Chime;
use chime_domain::time::Timestamp;

use crate::api::{Handler, all_handlers, operations::Routes};
use crate::auth::sigv4::KeyCache;
use crate::auth::{Keys, RootKey};
use crate::ops::{Health, Metrics};
use crate::query::Issuers;
use crate::shutdown::Shutdown;
use crate::throttle::{Rate, Throttle};
use crate::worker::{Flows, Scheduler};
use crate::ws::{Hub, Roster};

/// Derived signing keys that are kept, some 500 bytes each.
const SIGNING_KEYS: usize = 4096;

/// The server without its listeners. Clones share it.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    chime: Chime,
    keys: Keys,
    signing_keys: KeyCache,
    routes: Routes,
    handlers: Vec<Option<Handler>>,
    throttle: Throttle,
    metrics: Metrics,
    health: Health,
    scheduler: Scheduler,
    flows: Flows,
    hub: Hub,
    roster: Option<Roster>,
    options: AppOptions,
}

/// What an operator, or a process that embeds the server, decides about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppOptions {
    /// The key that may do everything. Without one, only IAM users can sign.
    pub root: Option<RootKey>,
    /// Largest body of a request, in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub body_timeout: std::time::Duration,
    /// Requests per operation before throttling.
    pub rate: Rate,
    /// Requests that nothing tells the namespace of are of the legacy one (wire rule N-07).
    pub legacy_by_default: bool,
    /// Host and port of WebSocket sessions, as `GetMessagingSessionEndpoint` answers them (wire rule S-01).
    pub messaging_endpoint: String,
    /// The identity providers of `AssumeRoleWithWebIdentity`.
    pub issuers: Issuers,
    /// The clock that `/_chime/clock` moves; without one, that path does not exist.
    pub test_clock: Option<Arc<TestClock>>,
    /// Says when to stop; a process that embeds the server drains it with its own.
    pub shutdown: Shutdown,
    /// The name of this server among those that share its store; without one, it is the only one.
    pub node: Option<String>,
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            root: None,
            max_body: 1024 * 1024,
            body_timeout: std::time::Duration::from_secs(20),
            rate: Rate::default(),
            legacy_by_default: false,
            messaging_endpoint: "localhost".into(),
            issuers: Issuers::default(),
            test_clock: None,
            shutdown: Shutdown::default(),
            node: None,
        }
    }
}

impl From<Chime> for App {
    /// With the default options.
    fn from(chime: Chime) -> Self {
        Self::new(chime, AppOptions::default())
    }
}

impl App {
    /// A server around `chime`.
    #[must_use]
    pub fn new(chime: Chime, options: AppOptions) -> Self {
        Self::with_handlers(chime, options, all_handlers())
    }

    pub(crate) fn with_handlers(chime: Chime, options: AppOptions, handlers: Vec<Option<Handler>>) -> Self {
        let health = Health::default();
        Self(Arc::new(Shared {
            keys: Keys::new(chime.clone(), options.root.clone()),
            signing_keys: KeyCache::new(SIGNING_KEYS),
            routes: Routes::new(),
            throttle: Throttle::new(options.rate, handlers.len() + 1),
            handlers,
            metrics: Metrics::new(),
            scheduler: Scheduler::new(chime.clone(), health.clone()),
            flows: Flows::new(chime.clone(), options.shutdown.clone()),
            health,
            hub: Hub::new(options.node.clone()),
            roster: options.node.clone().map(|node| Roster::new(chime.clone(), node)),
            options,
            chime,
        }))
    }

    /// The rules and the store.
    #[must_use]
    pub fn chime(&self) -> &Chime {
        &self.0.chime
    }

    /// Everybody who can sign.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// What the operator decided.
    #[must_use]
    pub fn options(&self) -> &AppOptions {
        &self.0.options
    }

    /// Host and port of WebSocket sessions (wire rule S-01).
    #[must_use]
    pub fn messaging_endpoint(&self) -> &str {
        &self.0.options.messaging_endpoint
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Whether the server can serve.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Runs what falls due.
    #[must_use]
    pub fn scheduler(&self) -> &Scheduler {
        &self.0.scheduler
    }

    /// Takes channel flows on.
    #[must_use]
    pub fn flows(&self) -> &Flows {
        &self.0.flows
    }

    /// Says when to stop, and waits for those who still work.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.0.options.shutdown
    }

    /// Counts the connections of users, where other servers have some too.
    pub(crate) fn roster(&self) -> Option<&Roster> {
        self.0.roster.as_ref()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn signing_keys(&self) -> &KeyCache {
        &self.0.signing_keys
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.0.routes
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Takes one request of the query protocol, whose operations share the bucket behind those of the table.
    pub(crate) fn admit_query(&self, now: Timestamp) -> bool {
        self.0.throttle.admit(self.0.handlers.len(), now)
    }

    /// The handler of the operation at a place of the table.
    pub(crate) fn handler(&self, index: usize) -> Option<Handler> {
        self.0.handlers.get(index).copied().flatten()
    }
}
