//! Sockets and threads for meetings: the only part of this crate that has any, and that reads a clock.
//!
//! One thread takes datagrams from the socket and hands them on in batches; each worker thread owns the meetings that
//! were given to it. Nothing is locked on the way of a packet but the table of routes, which is read.
//!
//! ```text
//! socket ── receive.rs ─ sort.rs, routes.rs: whose? ─ channel ─ worker.rs: Meeting ─ exits.rs ─ send.rs ─ socket
//! streams ─ streams.rs ─┘  │      └─ what can wait: shelf.rs ─┘        │  └─ the meeting's sink  └─ streams
//! Engine::post ────────────┼───────────────────────────── channel ─────┘
//!                          └─ the relay answers
//! ```

mod effort;
mod exits;
mod receive;
mod routes;
mod send;
mod shelf;
mod sort;
mod streams;
mod worker;

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::audio;
use crate::config::{Config, Limits, RelaySession, TurnService};
use crate::error::TransportError;
use crate::event::{Farewell, Output};
use crate::ids::{Attendee, Capabilities, SessionId};
use crate::tap::Tap;
use crate::transport::dtls::Identity;
use crate::turn::Relays;
use exits::Exits;
use routes::Routes;
use shelf::Shelf;
use sort::{Sorter, Way};
use worker::{Common, Work, Worker};

/// A meeting of an engine; chosen by the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeetingKey(u64);

/// Takes what a meeting puts out. Called on the meeting's thread: it must not wait.
pub type Sink = Box<dyn FnMut(Output) + Send>;

/// Something that happens to a meeting from outside.
#[derive(Debug)]
pub enum Input {
    /// See [`Meeting::connect`](crate::meeting::Meeting::connect).
    Connect(SessionId, Attendee),
    /// See [`Meeting::message`](crate::meeting::Meeting::message).
    Message(SessionId, Vec<u8>),
    /// See [`Meeting::disconnected`](crate::meeting::Meeting::disconnected).
    Disconnected(SessionId),
    /// See [`Meeting::remove`](crate::meeting::Meeting::remove).
    Remove(Arc<str>, Farewell),
    /// See [`Meeting::set_capabilities`](crate::meeting::Meeting::set_capabilities).
    Capabilities(Arc<str>, Capabilities),
    /// See [`Meeting::promote`](crate::meeting::Meeting::promote).
    Promote(SessionId, Result<Attendee, u32>),
    /// See [`Meeting::end_replica`](crate::meeting::Meeting::end_replica).
    EndReplica(Arc<str>, Farewell),
    /// See [`Meeting::end`](crate::meeting::Meeting::end); the meeting is forgotten after it.
    End(Farewell),
}

/// What an engine is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where datagrams are taken.
    pub listen: SocketAddr,
    /// Threads that own meetings; zero for one for each core.
    pub workers: usize,
    /// Settings of all meetings; without candidates, the socket's address is the one.
    pub config: Config,
    /// Settings of their audio.
    pub audio: audio::Config,
}

impl Options {
    /// The defaults, on this address.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, workers: 0, config: Config::default(), audio: audio::Config::default() }
    }
}

/// What an engine counts.
#[derive(Debug, Default)]
pub struct Counts {
    /// Datagrams received.
    pub received: AtomicU64,
    /// Datagrams that were nobody's.
    pub unrouted: AtomicU64,
    /// Datagrams dropped because their worker was too far behind.
    pub overflowed: AtomicU64,
    /// Datagrams sent.
    pub sent: AtomicU64,
    /// Datagrams that the system did not take.
    pub unsent: AtomicU64,
    /// Ticks of the mix that began more than 10 ms late.
    pub late_ticks: AtomicU64,
    /// Ticks of the mix.
    pub ticks: AtomicU64,
}

/// Why an engine cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The socket, or a thread.
    #[error("media: {0}")]
    Io(#[from] io::Error),
    /// The certificate.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

struct Shared {
    address: SocketAddr,
    workers: Vec<Way>,
    sorter: Sorter,
    counts: Arc<Counts>,
    turn: Option<TurnService>,
    next: AtomicU64,
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Meetings on threads, with sockets. Clones share it; it stops with [`Engine::stop`] or its last clone.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("address", &self.0.address).finish_non_exhaustive()
    }
}

impl Engine {
    /// Takes the socket and starts the threads.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(options: Options) -> Result<Self, StartError> {
        let Options { listen, workers, mut config, audio } = options;
        let socket = send::Socket::new(UdpSocket::bind(listen)?)?;
        let address = socket.local_addr()?;
        if config.candidates.is_empty() {
            config.candidates.push(address);
        }
        let identity = Identity::generate()?;
        let turn = config.turn.clone();
        let relays = turn.clone().map(|turn| Relays::new(turn, identity.clone(), config.candidates.clone()));
        let (config, exits) = (Arc::new(config), Arc::new(Exits::new(socket, relays)));
        let (routes, counts, stop) =
            (Arc::new(Routes::default()), Arc::new(Counts::default()), Arc::default());
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = if workers == 0 { cores() } else { workers };
        let common = Common { config, audio, identity, exits, routes, counts };
        let mut threads = Vec::new();
        let mut ways = Vec::new();
        for number in 0..count {
            let (urgent, receiver) = channel();
            let patient = Arc::new(Shelf::default());
            let worker = Worker::new(number, common.clone(), Arc::clone(&patient));
            let thread = std::thread::Builder::new().name(format!("media-{number}"));
            threads.push(thread.spawn(move || worker.run(&receiver))?);
            ways.push(Way { urgent, patient });
        }
        let Common { exits, routes, counts, .. } = common;
        let sorter = Sorter::new(ways.clone(), routes, Arc::clone(&exits), Arc::clone(&counts));
        let receiver = receive::Receiver::new(exits, sorter.clone(), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("media-receive".into());
        threads.push(thread.spawn(move || receiver.run())?);
        let next = AtomicU64::new(1);
        Ok(Self(Arc::new(Shared {
            address,
            workers: ways,
            sorter,
            counts,
            turn,
            next,
            stop,
            threads: Mutex::new(threads),
        })))
    }

    /// Where datagrams are taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// What the attendee of this name is told of the relay: the same as when it joins.
    #[must_use]
    pub fn relay_session(&self, name: &str) -> RelaySession {
        let now = worker::wall() / 1_000_000_000;
        self.0.turn.as_ref().map(|turn| turn.session(name, now)).unwrap_or_default()
    }

    /// Begins a meeting, whose output goes to `sink`.
    pub fn open(&self, limits: Limits, sink: Sink) -> MeetingKey {
        let key = MeetingKey(self.0.next.fetch_add(1, Ordering::Relaxed));
        self.work(key, Work::Open(key, limits, sink, None));
        key
    }

    /// The same with a copy of what the meeting sounds and shows.
    pub fn open_tapped(&self, limits: Limits, sink: Sink, tap: Box<dyn Tap>) -> MeetingKey {
        let key = MeetingKey(self.0.next.fetch_add(1, Ordering::Relaxed));
        self.work(key, Work::Open(key, limits, sink, Some(tap)));
        key
    }

    /// Something happens to a meeting. One that has ended takes no notice.
    pub fn post(&self, key: MeetingKey, input: Input) {
        self.work(key, Work::Input(key, input));
    }

    fn work(&self, key: MeetingKey, work: Work) {
        let count = u64::try_from(self.0.workers.len()).unwrap_or(1);
        let place = usize::try_from(key.0 % count).unwrap_or_default();
        if let Some(worker) = self.0.workers.get(place) {
            // A worker that is gone was stopped, and its meetings with it.
            let _stopped = worker.urgent.send(work);
        }
    }

    /// Stops the threads, after everything posted so far was done.
    pub fn stop(&self) {
        self.0.halt();
    }
}

impl Shared {
    fn halt(&self) {
        self.stop.store(true, Ordering::Relaxed);
        for worker in &self.workers {
            let _stopped = worker.urgent.send(Work::Stop);
        }
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has printed why.
            let _panicked = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.halt();
    }
}
