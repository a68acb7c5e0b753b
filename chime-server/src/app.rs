//! What every request shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chime_adapters::TestClock;
use chime_domain::error::StoreError;
use chime_domain::flow::Chime;
use chime_domain::time::Timestamp;

use crate::api::operations::{self, Routes};
use crate::api::{ApiError, Handler, all_handlers};
use crate::auth::sigv4::KeyCache;
use crate::auth::{Keys, RootKey};
use crate::demo::Demo;
use crate::media::Media;
use crate::meetings::{ClientEvents, NearestRegion};
use crate::ops::{Audit, Condition, Health, Metrics};
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
    client_events: ClientEvents,
    backlog: Backlog,
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
    /// Requests of all operations on meetings together (rules QTA-06, QTA-07); `None` when each counts by itself.
    pub meetings_rate: Option<Rate>,
    /// Which media region is nearest to whom.
    pub nearest_region: NearestRegion,
    /// Announcements that may wait for the fan-out of this node before `SendChannelMessage` is throttled; `None` for no
    /// bound.
    pub backlog: Option<u64>,
    /// Requests that nothing tells the namespace of are of the legacy one (wire rule N-07).
    pub legacy_by_default: bool,
    /// Host and port of WebSocket sessions, as `GetMessagingSessionEndpoint` answers them (wire rule S-01).
    pub messaging_endpoint: String,
    /// The identity providers of `AssumeRoleWithWebIdentity`.
    pub issuers: Issuers,
    /// The clock that `/_chime/clock` moves; without one, that path does not exist.
    pub test_clock: Option<Arc<TestClock>>,
    /// The key that browsers subscribe to push notifications with, if they are pushed to.
    pub web_push_key: Option<String>,
    /// Where denials and changes are noted.
    pub audit: Arc<Audit>,
    /// The media of meetings; without them, meetings can be made and not joined.
    pub media: Option<Media>,
    /// Who may use the page `/demo/meeting`.
    pub demo: Demo,
    /// Says when to stop; a process that embeds the server drains it with its own.
    pub shutdown: Shutdown,
    /// The name of this server among those that share its store; without one, it is the only one.
    pub node: Option<String>,
}

/// How far the fan-out was behind at the last look, and who was admitted since: a look may be a question to a database.
#[derive(Debug, Default)]
struct Backlog {
    behind: AtomicU64,
    admitted: AtomicU64,
}

impl Backlog {
    /// Senders that are admitted on one look.
    const LOOK_AFTER: u64 = 32;

    fn admits(&self, most: u64) -> bool {
        let admitted = self.admitted.fetch_add(1, Ordering::Relaxed);
        admitted < Self::LOOK_AFTER && self.behind.load(Ordering::Relaxed) + admitted < most
    }

    fn looked(&self, behind: u64) {
        self.behind.store(behind, Ordering::Relaxed);
        self.admitted.store(0, Ordering::Relaxed);
    }
}

impl Default for AppOptions {
    fn default() -> Self {
        Self {
            root: None,
            max_body: 1024 * 1024,
            body_timeout: std::time::Duration::from_secs(20),
            rate: Rate::default(),
            meetings_rate: None,
            nearest_region: NearestRegion::default(),
            backlog: Some(1024),
            legacy_by_default: false,
            messaging_endpoint: "localhost".into(),
            issuers: Issuers::default(),
            test_clock: None,
            web_push_key: None,
            audit: Arc::default(),
            media: None,
            demo: Demo::Off,
            shutdown: Shutdown::default(),
            node: None,
        }
    }
}

/// A bucket for each operation, and behind them one for the query protocol and one for questions. The operations on
/// meetings share one, when they have a rate of their own.
fn throttle(options: &AppOptions, operations: usize) -> Throttle {
    let throttle = Throttle::new(options.rate, operations + 2);
    let is_of_meetings = |operation: &operations::Operation| {
        operation.path() == "/meetings" || operation.path().starts_with("/meetings/")
    };
    let of_meetings = operations::all().enumerate().filter(|(_, row)| is_of_meetings(row));
    match options.meetings_rate {
        Some(rate) => throttle.with_group(rate, of_meetings.map(|(index, _)| index)),
        None => throttle,
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
        let (health, metrics) = (Health::default(), Metrics::new());
        Self(Arc::new(Shared {
            keys: Keys::new(chime.clone(), options.root.clone()),
            signing_keys: KeyCache::new(SIGNING_KEYS),
            routes: Routes::new(),
            throttle: throttle(&options, handlers.len()),
            handlers,
            scheduler: Scheduler::new(chime.clone(), health.clone(), metrics.tasks()),
            metrics,
            flows: Flows::new(chime.clone(), options.shutdown.clone()),
            health,
            hub: Hub::new(options.node.clone()),
            client_events: ClientEvents::default(),
            backlog: Backlog::default(),
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

    /// Where denials and changes are noted.
    pub(crate) fn audit(&self) -> &Audit {
        &self.0.options.audit
    }

    /// Notes that the store failed a request: until it has shown that it works, the server is not ready.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.0.metrics.store_failed(error);
        if matches!(error, StoreError::Unavailable { .. }) {
            self.0.health.set_store(Condition::Bad("unavailable"));
        }
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

    /// The last of what clients of meetings told.
    pub(crate) fn client_events(&self) -> &ClientEvents {
        &self.0.client_events
    }

    /// The media of meetings, if this server has them.
    pub(crate) fn media(&self) -> Option<&Media> {
        self.0.options.media.as_ref()
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

    /// Takes one question about permissions; these have the bucket behind that.
    pub(crate) fn admit_question(&self, now: Timestamp) -> bool {
        self.0.throttle.admit(self.0.handlers.len() + 1, now)
    }

    /// Announcements that were committed and wait for the fan-out of this node.
    pub(crate) async fn backlog(&self) -> Result<u64, StoreError> {
        Ok(self.0.hub.behind(self.0.chime.store().newest().await?))
    }

    /// Refuses a sender while more announcements wait than the operator allows: what is acknowledged is delivered, so
    /// that senders who are faster than deliveries have to wait before they are acknowledged. Requests under way at once
    /// may each pass the bound by one.
    ///
    /// # Errors
    ///
    /// [`ApiError::Throttled`]; the store's errors.
    pub(crate) async fn hold_back_senders(&self) -> Result<(), ApiError> {
        let Some(most) = self.0.options.backlog else { return Ok(()) };
        let known = &self.0.backlog;
        if known.admits(most) {
            return Ok(());
        }
        known.looked(self.backlog().await?);
        if known.admits(most) {
            return Ok(());
        }
        self.0.metrics.held_back();
        Err(ApiError::Throttled)
    }

    /// The handler of the operation at a place of the table.
    pub(crate) fn handler(&self, index: usize) -> Option<Handler> {
        self.0.handlers.get(index).copied().flatten()
    }
}
