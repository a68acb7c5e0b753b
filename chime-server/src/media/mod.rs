//! The media of meetings on this server: the engine of `chime-media`, its listeners, and the WebSockets of its clients.
//!
//! ```text
//! GET /control/{meeting} ─ control.rs ─ Meetings::admit ─ live.rs: the meeting's engine ─ frames ─► the WebSocket
//!                                └ refused.rs: who may not join is told so                └ events ─► Meetings::report
//! POST /v2/turn_sessions ─ turn.rs ─ Meetings::admit ─ the credentials of a JOIN_ACK
//! UDP ─ the engine itself      TCP, TLS ─ listen.rs ─ Engine::stream
//! ```
//!
//! # Our choices
//!
//! - A token that is no token of the meeting, and one whose attendee was deleted, are answered with a JOIN_ACK with
//!   status 403; a meeting that does not exist, or ended, with close code 4410. No client tries again after either.
//! - A meeting that lives on another node closes with 4500: clients come again, and the load balancer may know better.
//! - Clients are told to come directly unless the operator names relays for them; a relay, if named, is used by all.
//! - A client that does not take its frames is closed with 4500; one that sends more than 200 messages in a second is
//!   read no faster than that.

mod control;
mod counted;
mod empty;
mod listen;
mod live;
mod plane;
mod promote;
mod refused;
mod report;
mod turn;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chime_media::config::TurnService;
use chime_media::driver::{Counts, Engine, Options, StartError};

pub(crate) use control::control;
pub use listen::{drain, serve};
use live::Lives;
pub(crate) use turn::turn_session;

/// How long the credentials of a relay are good for: a long meeting.
const RELAY_TTL: Duration = Duration::from_secs(12 * 3600);

/// What the media of a server are started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MediaOptions {
    /// Where datagrams are taken.
    pub listen: SocketAddr,
    /// Where clients reach them; the first is preferred.
    pub candidates: Vec<SocketAddr>,
    /// URIs of our own relay that clients are told to use; with none, they come directly.
    pub relays: Vec<String>,
    /// Whether clients are told that they may come over TCP.
    pub tcp: bool,
    /// The name of this server among those that share its store.
    pub node: String,
    /// Host and port of its TLS listener, as clients reach it.
    pub host: String,
    /// Host and port of the media, as `AudioHostUrl` names them.
    pub address: String,
    /// Effort of coding the mix, 0 to 10.
    pub complexity: u8,
    /// Whether noise is taken out of voices (feature `noise-suppression`).
    pub noise_suppression: bool,
    /// What the relay's passwords are made from.
    pub relay_secret: RelaySecret,
}

/// What the relay's passwords are made from; nothing shows it.
#[derive(Clone, Default)]
pub struct RelaySecret(pub [u8; 32]);

impl fmt::Debug for RelaySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelaySecret")
    }
}

impl MediaOptions {
    /// Media on this address, which clients reach there too.
    #[must_use]
    pub fn new(listen: SocketAddr, node: String, host: String) -> Self {
        let (candidates, relays, address) = (vec![listen], Vec::new(), listen.to_string());
        let complexity = chime_media::audio::Config::default().complexity;
        Self {
            listen,
            candidates,
            relays,
            tcp: false,
            node,
            host,
            address,
            complexity,
            noise_suppression: false,
            relay_secret: RelaySecret::default(),
        }
    }
}

/// The media of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Media(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    engine: Engine,
    node: String,
    host: String,
    /// Host and port, as `AudioHostUrl` names it.
    address: String,
    lives: Lives,
}

impl Media {
    /// Takes the socket and starts the engine.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(options: MediaOptions) -> Result<Self, StartError> {
        let mut engine = Options::new(options.listen);
        engine.audio.complexity = options.complexity;
        engine.audio.noise_suppression = options.noise_suppression;
        if options.tcp {
            engine.config.tcp_candidates.clone_from(&options.candidates);
        }
        engine.config.candidates.clone_from(&options.candidates);
        engine.config.turn = (!options.relays.is_empty()).then_some(TurnService {
            uris: options.relays.clone(),
            ttl: RELAY_TTL,
            secret: options.relay_secret.0,
        });
        let engine = Engine::start(engine)?;
        let MediaOptions { node, host, address, .. } = options;
        Ok(Self(Arc::new(Shared { engine, node, host, address, lives: Lives::default() })))
    }

    /// The name of this server among those that share its store.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// The node's name, and host and port of its TLS listener and of its media as clients reach them.
    #[must_use]
    pub fn reached(&self) -> (&str, &str, &str) {
        (&self.0.node, &self.0.host, &self.0.address)
    }

    /// What the engine counts.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        self.0.engine.counts()
    }

    /// Meetings with somebody in them, and connections.
    #[must_use]
    pub fn busy(&self) -> (usize, usize) {
        self.0.lives.count()
    }

    /// Sends everybody away, to come again to a server that goes on.
    pub fn drain(&self) {
        self.0.lives.drain(&self.0.engine);
    }
}
