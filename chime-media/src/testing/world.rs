//! A meeting and its clients in simulated time, each behind a path of its own. The same seed gives the same meeting.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::Beacon;
use super::ear::Ear;
use super::path::Path;
use crate::audio::{self, TICK};
use crate::client::{Client, Config, Event, Media, Random};
use crate::config::Limits;
use crate::event::{MediaEvent, Output};
use crate::ids::{Attendee, CONTENT, Capabilities, SessionId};
use crate::meeting::Meeting;
use crate::transport::dtls::Identity;

/// Where the meeting is.
pub(crate) const SERVER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 3478);
/// How long a signaling message takes.
const SIGNALING: Duration = Duration::from_millis(12);
/// How long those are waited for whose connection is lost.
pub(crate) const GRACE: Duration = Duration::from_secs(4);
/// Wall clock at the beginning, in nanoseconds.
const WALL: u64 = 1_700_000_000_000_000_000;

/// Something on its way.
#[derive(Debug)]
enum Flight {
    Up(SessionId, Vec<u8>),
    Down(SessionId, Vec<u8>),
    Said(SessionId, Vec<u8>),
    Told(SessionId, Arc<[u8]>),
    Closed(SessionId, u16),
    Gone(SessionId),
}

/// A client and how it is connected.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) client: Client,
    pub(crate) up: Path,
    pub(crate) down: Path,
    pub(crate) address: SocketAddr,
    /// Where it sounds.
    pub(crate) slot: u8,
    pub(crate) talks: bool,
    pub(crate) ear: Ear,
    /// What happened, and when.
    pub(crate) events: Vec<(Instant, Event)>,
    /// The server has closed its WebSocket with this code.
    pub(crate) closed: Option<u16>,
    /// Its machine is gone: it neither sends nor receives.
    pub(crate) dead: bool,
    next_say: Instant,
}

pub(crate) struct World {
    pub(crate) meeting: Meeting<Beacon>,
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) actors: BTreeMap<SessionId, Actor>,
    pub(crate) events: Vec<(Instant, MediaEvent)>,
    /// What was told to sessions that are no actors.
    pub(crate) told: Vec<Arc<[u8]>>,
    /// Everything that was said, if it is to be kept.
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) random: Random,
    seed: u64,
    flights: BinaryHeap<Reverse<(Instant, u64)>>,
    cargo: BTreeMap<u64, Flight>,
    order: u64,
    next: u64,
}

/// One for all: making a certificate takes longer than a meeting.
pub(crate) fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::generate().unwrap())
}

/// An attendee; with `#content`, its content share.
fn attendee(name: &str, capabilities: Capabilities, replica: Option<&str>) -> Attendee {
    let (id, content) = name.strip_suffix(CONTENT).map_or((name, false), |id| (id, true));
    let external_user_id = format!("user-{id}").into();
    Attendee { id: id.into(), external_user_id, content, capabilities, replica: replica.map(Into::into) }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, Limits::default())
    }

    pub(crate) fn with(seed: u64, limits: Limits) -> Self {
        let start = crate::testing::start();
        let candidates = vec![SERVER];
        let config = crate::config::Config { candidates, grace: GRACE, ..crate::config::Config::default() };
        let random = Mutex::new(Random::new(seed ^ 0x5eed));
        let fill = move |bytes: &mut [u8]| random.lock().unwrap().fill(bytes);
        let identity = identity().clone().with_random(Arc::new(fill));
        let audio = audio::Config { channels: audio::Channels::Mono, ..audio::Config::default() };
        let meeting = Meeting::new(Arc::new(config), limits, identity, audio, Beacon, start, WALL).unwrap();
        Self {
            meeting,
            now: start,
            start,
            actors: BTreeMap::new(),
            events: Vec::new(),
            told: Vec::new(),
            trace: None,
            random: Random::new(seed),
            seed,
            flights: BinaryHeap::new(),
            cargo: BTreeMap::new(),
            order: 0,
            next: 1,
        }
    }

    /// An attendee comes: `name` with `#content` is a content share.
    pub(crate) fn join(&mut self, name: &str) -> SessionId {
        let config = Config::new(name, self.seed.wrapping_mul(1000) + self.next);
        self.join_as(config, Capabilities::default())
    }

    /// The same with settings; its device is told by the audio session.
    pub(crate) fn join_as(&mut self, config: Config, capabilities: Capabilities) -> SessionId {
        self.join_replica(config, capabilities, None)
    }

    /// The same into a replica of the meeting. Whoever shows the token `good` is promoted to be whom it says.
    pub(crate) fn join_replica(
        &mut self,
        config: Config,
        capabilities: Capabilities,
        replica: Option<&str>,
    ) -> SessionId {
        let number = self.next;
        self.next += 1;
        let session = SessionId(number);
        let slot = self.slot(&config.attendee);
        self.meeting.connect(session, attendee(&config.attendee, capabilities, replica));
        let [high, low] = (number as u16).to_be_bytes();
        let actor = Actor {
            client: Client::new(config, identity(), self.now),
            up: Path::new(self.seed ^ (number << 8)),
            down: Path::new(self.seed ^ (number << 8) ^ 1),
            address: SocketAddr::from(([198, 51, high, low], 40_000)),
            slot,
            talks: false,
            ear: Ear::default(),
            events: Vec::new(),
            closed: None,
            dead: false,
            // Voices are not in step.
            next_say: self.now + Duration::from_micros(self.random.below(20_000)),
        };
        self.actors.insert(session, actor);
        self.flush();
        session
    }

    /// The slot of an attendee: the same over its sessions.
    fn slot(&self, name: &str) -> u8 {
        let known = self.actors.values().find(|actor| actor.client.config().attendee == name);
        let names: std::collections::BTreeSet<&str> =
            self.actors.values().map(|actor| actor.client.config().attendee.as_str()).collect();
        known.map_or(names.len() as u8, |actor| actor.slot)
    }

    pub(crate) fn actor(&mut self, id: SessionId) -> &mut Actor {
        self.actors.get_mut(&id).unwrap()
    }

    pub(crate) fn client(&mut self, id: SessionId) -> &mut Client {
        &mut self.actor(id).client
    }

    /// The WebSocket of a client breaks; both ends notice.
    pub(crate) fn cut_socket(&mut self, id: SessionId) {
        self.actor(id).client.closed();
        self.put(SIGNALING, Flight::Gone(id));
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.flush();
        loop {
            let flight = self.flights.peek().map(|Reverse((at, _))| *at);
            let actors = self.actors.values().filter(|actor| !actor.dead);
            let actors =
                actors.flat_map(|actor| [actor.client.poll_timeout(), Some(actor.next_say)]).flatten().min();
            let next = [flight, actors, self.meeting.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// Everything that is due now.
    fn step(&mut self) {
        let now = self.now;
        while let Some(Reverse((_, order))) =
            self.flights.peek().copied().filter(|Reverse((at, _))| *at <= now)
        {
            self.flights.pop();
            let flight = self.cargo.remove(&order).unwrap();
            self.land(flight);
            self.flush();
        }
        for actor in self.actors.values_mut().filter(|actor| !actor.dead) {
            while now >= actor.next_say {
                actor.next_say += TICK;
                if actor.client.is_connected() {
                    let (slot, level) = if actor.talks && !actor.client.is_muted() {
                        (Some(actor.slot), 20)
                    } else {
                        (None, 127)
                    };
                    actor.client.say(&Beacon::say(slot), level);
                }
            }
            if actor.client.poll_timeout().is_some_and(|at| now >= at) {
                actor.client.timeout(now);
            }
        }
        if self.meeting.poll_timeout().is_some_and(|at| now >= at) {
            self.meeting.timeout(now);
        }
        self.flush();
    }

    fn land(&mut self, flight: Flight) {
        let now = self.now;
        match flight {
            Flight::Up(id, mut datagram) => {
                let Some(from) = self.actors.get(&id).map(|actor| actor.address) else { return };
                self.meeting.datagram(now, id, from, &mut datagram);
            }
            Flight::Down(id, mut datagram) => {
                let Some(actor) = self.actors.get_mut(&id).filter(|actor| !actor.dead) else { return };
                let media = actor.client.datagram(now, &mut datagram);
                if let Media::Audio { timestamp, payload, index, .. } = media {
                    actor.ear.frame(now, timestamp, payload);
                    let heard = Beacon::heard(payload);
                    self.note(|| format!("{id} hears {index} {timestamp} {heard:x}"));
                } else if let Media::Video { mid, picture } = media {
                    self.note(|| format!("{id} sees {mid} {picture:?}"));
                }
            }
            Flight::Said(id, message) => {
                let _refused = self.meeting.message(now, id, &message);
            }
            Flight::Told(id, message) => {
                self.note(|| format!("{id} is told {:?}", crate::signal::decode(&message)));
                if let Some(actor) = self.actors.get_mut(&id).filter(|actor| !actor.dead) {
                    actor.client.message(now, &message);
                }
            }
            Flight::Closed(id, code) => {
                self.note(|| format!("{id} is closed {code}"));
                if let Some(actor) = self.actors.get_mut(&id) {
                    actor.client.closed();
                    actor.closed = Some(code);
                }
                self.meeting.disconnected(now, id);
            }
            Flight::Gone(id) => self.meeting.disconnected(now, id),
        }
    }

    /// Puts what waits on its way.
    pub(crate) fn flush(&mut self) {
        let now = self.now;
        let mut put = Vec::new();
        for (id, actor) in &mut self.actors {
            while let Some(message) = actor.client.poll_message() {
                put.push((now + SIGNALING, Flight::Said(*id, message)));
            }
            let datagrams = std::mem::take(actor.client.datagrams());
            for (_, datagram) in datagrams.iter().filter(|_| !actor.dead) {
                if let Some(at) = actor.up.send(now, datagram) {
                    put.push((at, Flight::Up(*id, datagram.to_vec())));
                }
            }
            while let Some(event) = actor.client.poll_event() {
                actor.events.push((now, event));
            }
        }
        let datagrams = std::mem::take(self.meeting.datagrams());
        for (to, datagram) in datagrams.iter() {
            let whose = self.actors.iter_mut().find(|(_, actor)| actor.address == to.address);
            let Some((id, actor)) = whose else { continue };
            if let Some(at) = actor.down.send(now, datagram) {
                put.push((at, Flight::Down(*id, datagram.to_vec())));
            }
        }
        while let Some(output) = self.meeting.poll_output() {
            match output {
                Output::Signal { session, message } if !self.actors.contains_key(&session) => {
                    self.told.push(message);
                }
                Output::Signal { session, message } => {
                    put.push((now + SIGNALING, Flight::Told(session, message)))
                }
                Output::Close { session, code } => put.push((now + SIGNALING, Flight::Closed(session, code))),
                Output::Event(event) => {
                    self.note(|| format!("{event:?}"));
                    self.events.push((now, event));
                }
                Output::Promote { session, credentials } => {
                    let good = credentials.join_token.as_deref() == Some("good");
                    let id = credentials.attendee_id.unwrap_or_default();
                    let who = if good { Ok(attendee(&id, Capabilities::default(), None)) } else { Err(403) };
                    self.meeting.promote(now, session, who);
                }
                Output::Route { .. } | Output::Unroute { .. } => {}
            }
        }
        for (at, flight) in put {
            self.put(at - now, flight);
        }
    }

    fn put(&mut self, after: Duration, flight: Flight) {
        self.order += 1;
        self.flights.push(Reverse((self.now + after, self.order)));
        self.cargo.insert(self.order, flight);
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        let at = self.now - self.start;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:.6} {}", at.as_secs_f64(), what()));
        }
    }
}
