//! The composition root: the only place that names concrete adapters.

mod events;
mod media;
#[cfg(any(feature = "jetstream", feature = "nats"))]
mod nats;
mod outward;
mod store;
mod telemetry;

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use chime_adapters::memory::InProcessBus;
use chime_adapters::{SystemClock, SystemEntropy, TestClock};
use chime_domain::error::ServiceError;
use chime_domain::flow::{Chime, Settings};
use chime_domain::ports::{Clock, MediaPlane};
use rustls::server::ResolvesServerCert;
use serde_json::{Value, json};

use crate::app::{App, AppOptions};
use crate::auth::root_file;
use crate::config::{Config, Oidc, Tls};
use crate::explain::{self, Explained, Question, remote};
use crate::files::{self, Access};
use crate::http::{ConnectionLimits, Listener, router, serve};
use crate::meetings::Nodes;
use crate::ops::{Audit, Condition, Health, Metrics};
use crate::query::{Issuer, Issuers};
use crate::shutdown::Shutdown;
use crate::tls::{Authority, Current, Files, acceptor, names};
use crate::worker;

pub use self::telemetry::{Observed, observe};

/// Name of the file in the data directory that tells where the server is.
const ENDPOINTS: &str = "endpoints.json";
/// How long tasks that are done may hold the store.
const CLOSED: Duration = Duration::from_millis(500);
/// How long the background may take to stop once it was forced to.
const FORCED: Duration = Duration::from_secs(1);

/// How often it is looked whether the bus is there.
const BUS_LOOK: Duration = Duration::from_millis(500);

/// A server that serves.
#[derive(Debug)]
pub struct Running {
    app: App,
    endpoints: Endpoints,
    leave: Duration,
    drain: Duration,
    /// Released by the system when the process ends, however it ends.
    _lock: File,
}

/// Where a running server is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoints {
    /// Address of the plain listener.
    pub http: SocketAddr,
    /// Address of the TLS listener.
    pub https: SocketAddr,
    /// Address of the media of meetings.
    pub media: SocketAddr,
    /// Host and port of WebSocket sessions.
    pub messaging: String,
    /// The owner's key, if it is in a file.
    pub credentials: Option<PathBuf>,
    /// The certificate of the local authority, if that signs.
    pub authority: Option<PathBuf>,
    /// The region of signatures.
    pub region: String,
}

/// Starts a server, which serves from the moment this returns.
///
/// # Errors
///
/// Whatever keeps it from serving, in the order in which an operator would look for it.
pub async fn start(config: &Config) -> Result<Running> {
    let data_dir = config.storage.data_dir.as_path();
    fs::create_dir_all(data_dir).with_context(|| format!("the data directory {}", data_dir.display()))?;
    let lock = lock(data_dir)?;
    forget_endpoints(data_dir)?;
    let store::Opened { store, node, bus } = store::open(&config.storage).await?;
    let wall: Arc<dyn Clock> = Arc::new(SystemClock);
    let test_clock = config.test_clock.then(|| Arc::new(TestClock::over(Arc::clone(&wall))));
    let clock = test_clock.clone().map_or_else(|| Arc::clone(&wall), |clock| clock as Arc<dyn Clock>);

    let (root, credentials) = match &config.auth.root {
        Some(root) => (root.clone(), None),
        None => {
            let path = root_file::path(data_dir);
            let key = root_file::open(data_dir, &config.auth.account_id, &config.auth.region, &SystemEntropy);
            (key.with_context(|| path.display().to_string())?, Some(path))
        }
    };
    let (current, authority) = certificate(config, &*wall)?;
    let current = Arc::new(current);
    let bind = |address, tls| async move {
        Listener::bind(address, tls).await.with_context(|| format!("cannot listen on {address}"))
    };
    let plain = bind(config.http.http_listen, None).await?;
    let shutdown = Shutdown::default();
    let served = served(config, &current, &shutdown);
    let acceptor = acceptor(served)?;
    let secure = bind(config.http.https_listen, Some(acceptor.clone())).await?;
    let mut endpoints = Endpoints {
        http: plain.address(),
        https: secure.address(),
        media: config.media.listen,
        messaging: messaging_endpoint(config.http.public_host.as_deref(), secure.address()),
        credentials,
        authority,
        region: config.auth.region.clone(),
    };

    let metrics = Arc::new(Metrics::default());
    let outward = outward::open(config, Arc::clone(&clock), Arc::clone(&wall), &metrics).await?;
    let media = media::open(&config.media, node.as_deref(), &endpoints.messaging, &SystemEntropy).await?;
    endpoints.media = media.address;
    let here = media.here(&config.media);
    let own = Arc::new(media.media.clone());
    let media_nodes = node
        .is_some()
        .then(|| Arc::new(Nodes::new(Arc::clone(&store), Arc::clone(&wall), own.clone(), here)));
    let plane: Arc<dyn MediaPlane> = match &media_nodes {
        Some(nodes) => Arc::clone(nodes) as Arc<dyn MediaPlane>,
        None => own,
    };
    let chime = Chime::shared(store, clock, Arc::new(SystemEntropy)).settings(settings(config));
    let chime =
        chime.functions(outward.functions).lex(outward.lex).notifier(outward.notifier).sink(outward.sink);
    let chime = chime.announcer(outward.announcer).media(plane);
    let chime = chime.build().await.context("the store")?;
    // A server that starts has no connections yet, whatever an earlier one of its name had. In a cluster each start has a
    // name of its own, and what a dead node had is moved when its lease ends.
    if media_nodes.is_none() {
        alone(&chime, media.media.node()).await.context("the meetings that lived here")?;
    }
    write_endpoints(data_dir, &endpoints)?;

    let app = App::new(
        chime,
        AppOptions {
            root: Some(root),
            max_body: config.http.max_body,
            body_timeout: config.http.body_timeout,
            rate: config.rate,
            meetings_rate: config.meetings_rate,
            media_nodes,
            metrics,
            nearest_region: config.nearest_region.clone(),
            backlog: config.backlog,
            legacy_by_default: config.http.legacy_by_default,
            messaging_endpoint: endpoints.messaging.clone(),
            test_clock,
            issuers: issuers(&config.oidc)?,
            audit: Arc::new(audit(config)?),
            shutdown: shutdown.clone(),
            media: Some(media.media.clone()),
            demo: config.demo,
            web_push_key: outward.web_push_key,
            node,
        },
    );
    worker::spawn(&app, Arc::new(InProcessBus::new())).await.context("the outbox")?;
    if let Some(bus) = bus {
        tokio::spawn(watch_bus(bus, app.health().clone(), shutdown.clone()));
    }
    let plain_media = crate::media::serve(media.media.clone(), media.plain, None, shutdown.clone());
    tokio::spawn(plain_media);
    if let Some(listener) = media.tls {
        let tls = crate::media::serve(media.media.clone(), listener, Some(acceptor), shutdown.clone());
        tokio::spawn(tls);
    }
    tokio::spawn(crate::media::drain(media.media, shutdown.clone()));
    let limits = ConnectionLimits::new(config.http.max_connections, config.http.header_timeout);
    for listener in [plain, secure] {
        tokio::spawn(serve(listener, router(app.clone()), limits.clone(), shutdown.clone()));
    }
    tokio::spawn(current.renew(wall, app.health().clone(), shutdown.clone()));
    Ok(Running { app, endpoints, leave: config.http.leave, drain: config.http.drain, _lock: lock })
}

/// All meetings are on this server: those that it had have no connections yet, and those of a cluster that it was one of
/// come to it.
async fn alone(chime: &Chime, node: &str) -> Result<(), ServiceError> {
    let meetings = chime.meetings();
    meetings.reset(node).await?;
    for other in meetings.by_node().await?.into_keys().filter(|other| other != node) {
        meetings.move_from(&other).await?;
    }
    Ok(())
}

/// Answers a question about permissions: from the store or, when a server has that open, through the server.
///
/// # Errors
///
/// What keeps the store from being read or the server from being asked; a question that cannot be answered.
pub async fn explain(config: &Config, question: &Question) -> Result<Explained> {
    let data_dir = config.storage.data_dir.as_path();
    let root = match &config.auth.root {
        Some(root) => Some(root.clone()),
        None => root_file::read(data_dir).with_context(|| root_file::path(data_dir).display().to_string())?,
    };
    if let Some(store) = store::beside(&config.storage).await? {
        let chime = Chime::shared(store, Arc::new(SystemClock), Arc::new(SystemEntropy));
        let chime = chime.settings(settings(config)).build().await.context("the store")?;
        let app = App::new(chime, AppOptions { root, ..AppOptions::default() });
        return Ok(explain::explain(&app, question).await?);
    }
    let path = data_dir.join(ENDPOINTS);
    let endpoints = fs::read(&path).with_context(|| {
        format!("{}: the state is in a server that does not run on this data directory", path.display())
    })?;
    let endpoints: Value = serde_json::from_slice(&endpoints).with_context(|| path.display().to_string())?;
    let url = endpoints.get("Http").and_then(Value::as_str).context("the address of the server")?;
    let root = root.context("the server keeps its root credentials elsewhere; configure them here too")?;
    remote::ask(url, &config.auth.region, &root, SystemClock.now(), question)
        .await
        .with_context(|| format!("the server at {url}"))
}

impl Running {
    /// Where it is.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// What its requests share.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Says that it is not ready any more, and after the configured time stops accepting, lets what was begun finish for the
    /// configured time, or until `hurry` is ready, then gives up. The store is closed then, unless somebody else holds it.
    pub async fn stop(self, hurry: impl Future<Output = ()>) {
        let store = self.app.chime().store_handle();
        self.end(hurry).await;
        drop(self);
        // Tasks that have said that they are done still let go of what they had.
        let alone = async {
            while Arc::strong_count(&store) > 1 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _held = tokio::time::timeout(CLOSED, alone).await;
    }

    async fn end(&self, hurry: impl Future<Output = ()>) {
        let shutdown = self.app.shutdown();
        tokio::pin!(hurry);
        self.app.health().leave();
        let mut hurried = false;
        tokio::select! {
            () = tokio::time::sleep(self.leave) => {}
            () = &mut hurry => hurried = true,
        }
        shutdown.drain();
        tokio::select! {
            () = shutdown.finished() => return,
            () = tokio::time::sleep(self.drain) => tracing::warn!("some requests took too long and are given up"),
            () = hurry, if !hurried => {}
        }
        shutdown.force();
        if tokio::time::timeout(FORCED, shutdown.finished()).await.is_err() {
            tracing::warn!("a background task did not stop");
        }
    }
}

/// Says how the bus between servers is. Without it everything is served, from the outbox, and later.
async fn watch_bus(is_connected: store::BusState, health: Health, shutdown: Shutdown) {
    loop {
        health.set_bus(match is_connected() {
            true => Condition::Good,
            false => Condition::Degraded("away; other servers are heard of later"),
        });
        tokio::select! {
            () = tokio::time::sleep(BUS_LOOK) => {}
            () = shutdown.draining() => return,
        }
    }
}

/// Refuses a second server on one data directory: both would write its files.
fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| path.display().to_string())?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another server uses the data directory {}; give each its own --data-dir",
                data_dir.display()
            )
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn settings(config: &Config) -> Settings {
    let mut settings = Settings::default();
    settings.account.clone_from(&config.auth.account_id);
    settings.region.clone_from(&config.auth.region);
    settings.limits = config.limits.clone();
    settings.members_redact_own = config.rules.members_redact_own;
    settings.members_remove_others = config.rules.members_remove_others;
    settings.tag_session_required = config.rules.tag_session_required;
    settings.callback_timeout = config.outbound.callback_timeout;
    settings.screen_share_events = config.rules.screen_share_events;
    settings
}

/// Where denials and administrative actions are noted.
fn audit(config: &Config) -> Result<Audit> {
    match &config.telemetry.audit {
        Some(path) => Audit::file(path).with_context(|| format!("the audit log {}", path.display())),
        None => Ok(Audit::Off),
    }
}

/// The certificate to serve, and the file that clients have to trust, if the local authority signs it.
fn certificate(config: &Config, wall: &dyn Clock) -> Result<(Current, Option<PathBuf>)> {
    match &config.tls {
        Tls::Files { certificate, key } => {
            let files = Files::new(certificate.clone(), key.clone());
            Ok((Current::of_files(files)?, None))
        }
        Tls::Local { extra_names, .. } => {
            let data_dir = &config.storage.data_dir;
            let mut names = names(config.http.public_host.as_deref(), extra_names);
            let listening = config.http.https_listen.ip();
            if !listening.is_unspecified() && !names.contains(&listening.to_string()) {
                names.push(listening.to_string());
            }
            let authority = Authority::open(data_dir, names, wall.now())?;
            Ok((Current::of_authority(authority, wall.now())?, Some(data_dir.join("tls/ca.pem"))))
        }
    }
}

/// The certificates that the TLS listener chooses from.
#[cfg_attr(not(feature = "acme"), expect(unused_variables, reason = "only an ACME authority needs them"))]
fn served(config: &Config, current: &Arc<Current>, shutdown: &Shutdown) -> Arc<dyn ResolvesServerCert> {
    #[cfg(feature = "acme")]
    if let (Tls::Local { acme: Some(acme), .. }, Some(host)) = (&config.tls, &config.http.public_host) {
        let data_dir = &config.storage.data_dir;
        return crate::tls::Acme::start(acme, host, data_dir, Arc::clone(current), shutdown.clone());
    }
    Arc::clone(current) as Arc<dyn ResolvesServerCert>
}

/// A bare host, with the port only when browsers send one (wire rule S-01).
fn messaging_endpoint(public_host: Option<&str>, https: SocketAddr) -> String {
    match public_host {
        Some(host) if https.port() == 443 => host.to_owned(),
        Some(host) => format!("{host}:{}", https.port()),
        None => reachable(https).to_string(),
    }
}

/// An address that a client on this machine can connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

impl Endpoints {
    /// URL of the plain listener, as this machine reaches it.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", reachable(self.http))
    }

    /// URL of the TLS listener, as this machine reaches it.
    #[must_use]
    pub fn https_url(&self) -> String {
        format!("https://{}", reachable(self.https))
    }
}

/// What an earlier server left would lead those who wait for this one astray.
fn forget_endpoints(data_dir: &Path) -> Result<()> {
    let path = data_dir.join(ENDPOINTS);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

/// The issuers of the configuration, with the key sets that its files hold now.
fn issuers(configured: &[Oidc]) -> Result<Issuers> {
    let read = |oidc: &Oidc| {
        let text = fs::read(&oidc.jwks_file)
            .with_context(|| format!("the key set of {}: {}", oidc.issuer, oidc.jwks_file.display()))?;
        let keys =
            serde_json::from_slice(&text).with_context(|| format!("the key set of {}", oidc.issuer))?;
        Ok(Issuer::new(&oidc.issuer, vec![oidc.audience.clone()], &keys)?)
    };
    Ok(Issuers::new(configured.iter().map(read).collect::<Result<_>>()?))
}

/// For those who started the server on port 0.
fn write_endpoints(data_dir: &Path, endpoints: &Endpoints) -> Result<()> {
    let content = json!({
        "Http": endpoints.http_url(),
        "Https": endpoints.https_url(),
        "Media": endpoints.media.to_string(),
        "MessagingEndpoint": endpoints.messaging,
    });
    let path = data_dir.join(ENDPOINTS);
    let content = serde_json::to_string_pretty(&content).map_err(|error| anyhow!(error))? + "\n";
    files::write(&path, content.as_bytes(), Access::Public).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messaging_endpoint_is_a_bare_host_that_can_be_reached() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(messaging_endpoint(None, at("127.0.0.1:8443")), "127.0.0.1:8443");
        assert_eq!(messaging_endpoint(None, at("0.0.0.0:443")), "127.0.0.1:443");
        assert_eq!(messaging_endpoint(None, at("[::]:8443")), "[::1]:8443");
        assert_eq!(messaging_endpoint(Some("chime.test"), at("0.0.0.0:443")), "chime.test");
        assert_eq!(messaging_endpoint(Some("chime.test"), at("0.0.0.0:8443")), "chime.test:8443");
    }
}
