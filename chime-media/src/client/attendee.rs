//! The client as whoever drives it sees it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Config;
use super::camera::Show;
use super::connection::Connection;
use super::event::{Event, Media};
use super::hearing::Hearing;
use super::roster::Roster;
use super::subscription::Preference;
use super::tile::Tile;
use crate::io::Datagrams;
use crate::signal::proto::Index;
use crate::transport::dtls::Identity;

/// Time between PINGs.
pub(super) const PINGS: Duration = Duration::from_secs(10);

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// JOIN is sent.
    Joining,
    /// INDEX has come: offers can be made.
    Joined,
    /// It has left, or was sent away, or its socket is gone.
    Over,
}

/// Counts of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Transport-wide feedbacks of the server.
    pub feedbacks: u64,
    /// Packets that the server asked for again and that were sent.
    pub repairs: u64,
    /// Key frames that the server asked for.
    pub key_requests: u64,
    /// Offers made.
    pub offers: u64,
    /// Number of the picture that was sent last.
    pub picture: u32,
    /// Packets of its video that the server has reported as lost, at most.
    pub lost: u32,
    /// Reports of the server on its video from which the round-trip time can be told.
    pub timed: u64,
}

/// One attendee's session: a WebSocket and what is negotiated over it. A reconnect is another client with the same audio
/// session.
#[derive(Debug)]
pub struct Client {
    pub(super) config: Config,
    pub(super) start: Instant,
    pub(super) stage: Stage,
    pub(super) connection: Connection,
    pub(super) connected: bool,
    pub(super) muted: bool,
    pub(super) messages: VecDeque<Vec<u8>>,
    pub(super) events: VecDeque<Event>,
    pub(super) roster: Roster,
    pub(super) index: Index,
    pub(super) next_ping: Option<Instant>,
    pub(super) pings: u32,
    /// An offer waits for its answer.
    pub(super) offered: bool,
    /// Another one is due.
    pub(super) stale: bool,
    /// Ids of what it sends, as the server gave them.
    pub(super) allocated: Vec<u32>,
}

impl Client {
    /// Opens a session: the first messages wait to be sent.
    #[must_use]
    pub fn new(config: Config, identity: &Identity, now: Instant) -> Self {
        let mut this = Self {
            connection: Connection::new(&config, identity, now),
            start: now,
            stage: Stage::Joining,
            connected: false,
            muted: config.muted,
            messages: VecDeque::new(),
            events: VecDeque::new(),
            roster: Roster::default(),
            index: Index::default(),
            next_ping: Some(now + PINGS),
            pings: 0,
            offered: false,
            stale: false,
            allocated: Vec::new(),
            config,
        };
        this.ping(now);
        this.join(now);
        this
    }

    /// A binary WebSocket message came from the server. What is no frame is left out.
    pub fn message(&mut self, now: Instant, message: &[u8]) {
        if let Ok(frame) = crate::signal::decode(message) {
            self.frame(now, frame);
        }
    }

    /// The WebSocket is gone. Media goes on, as it does in browsers.
    pub fn closed(&mut self) {
        self.stage = Stage::Over;
        self.next_ping = None;
    }

    /// A datagram came from the server: it is opened where it is.
    pub fn datagram<'a>(&mut self, now: Instant, datagram: &'a mut [u8]) -> Media<'a> {
        let (connected, media) = self.connection.datagram(now, datagram);
        if connected {
            self.connected = true;
            self.events.push_back(Event::Connected);
            self.follow(now);
        }
        media
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Instant) {
        if self.next_ping.is_some_and(|at| now >= at) {
            self.next_ping = Some(now + PINGS);
            self.ping(now);
        }
        self.connection.timeout(now);
    }

    /// When [`Self::timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.next_ping, self.connection.poll_timeout()].into_iter().flatten().min()
    }

    /// The next binary WebSocket message to send.
    pub fn poll_message(&mut self) -> Option<Vec<u8>> {
        self.messages.pop_front()
    }

    /// Datagrams to send; whoever takes them clears them.
    pub fn datagrams(&mut self) -> &mut Datagrams {
        &mut self.connection.out
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Says 20 ms of coded sound, of this level as RFC 6464 has it: 0 is loud, 127 silent.
    pub fn say(&mut self, payload: &[u8], level: u8) {
        self.connection.say(payload, level);
    }

    /// 20 ms pass in which nothing is sent.
    pub fn pause(&mut self) {
        self.connection.voice.pause();
    }

    /// Begins to send a video, or another one.
    pub fn show(&mut self, now: Instant, show: Show) {
        self.connection.show(now, show);
        self.allocated.clear();
        self.subscribe(now);
    }

    /// Changes the rates of the encodings, in their order; zero switches one off.
    pub fn set_rates(&mut self, now: Instant, rates: &[u32]) {
        if let Some(camera) = &mut self.connection.camera {
            camera.set_rates(rates);
        }
        self.subscribe(now);
    }

    /// Sends no video any more.
    pub fn hide(&mut self, now: Instant) {
        self.connection.hidden = self.connection.camera.take();
        self.allocated.clear();
        self.subscribe(now);
    }

    /// Goes on with what it sent before it was hidden: the same sources, which need no names any more.
    pub fn show_again(&mut self, now: Instant) {
        self.connection.camera = self.connection.hidden.take();
        self.subscribe(now);
    }

    /// Prefers a source: 1 is the most important; no more than so many kbit/s.
    pub fn prefer(&mut self, now: Instant, attendee: &str, priority: u32, target_kbps: u32) {
        self.connection.subscriptions.prefer(attendee, Preference { priority, target_kbps });
        self.tell_preference(now, attendee);
    }

    /// How many videos it wants at most, from now on.
    pub fn want(&mut self, now: Instant, videos: usize) {
        self.config.videos = videos;
        self.follow(now);
    }

    /// Whether it was let in.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.stage == Stage::Joined
    }

    /// Whether media flows.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether it is muted.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// Whether it sends video, and the server takes it.
    #[must_use]
    pub fn is_showing(&self) -> bool {
        self.connection.camera.as_ref().is_some_and(|camera| camera.open)
    }

    /// Who is here.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The videos there are.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What it hears.
    #[must_use]
    pub fn hearing(&self) -> &Hearing {
        &self.connection.hearing
    }

    /// The videos it receives.
    #[must_use]
    pub fn tiles(&self) -> &[Tile] {
        &self.connection.tiles
    }

    /// The video of an attendee.
    #[must_use]
    pub fn tile(&self, attendee: &str) -> Option<&Tile> {
        self.connection.tiles.iter().find(|tile| tile.attendee == attendee)
    }

    /// What it counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.connection.counts
    }

    /// What it is.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}
