//! One meeting: everybody's signaling, media and presence, owned by one thread.
//!
//! Whoever embeds it hands in WebSocket messages, datagrams and the time, and takes out what is to be sent:
//!
//! ```text
//! connect · message · disconnected   → a client's WebSocket
//! datagram                           → from its peer, found by the routes that the meeting gave out
//! end · remove · set_capabilities    → from the API
//! timeout (at poll_timeout)          → the 20 ms of the mix, and everything else that is due
//!                                      datagrams() and poll_output() → what is to be sent, and what happened
//! ```
//!
//! # Our choices
//!
//! - An attendee is present from the moment its media connection is up; its client is then told the whole roster, others
//!   the change.
//! - A session of the same attendee and audio session replaces the older one and keeps its place in the roster; one with
//!   another audio session ends the older one with status 301.
//! - `num_participants` counts attendees, not their content shares.
//! - Data messages go to everybody but their sender. A throttled one goes back to its sender with time 0.
//! - A client that sends more frames, or more octets, than any honest one has the rest left out, unread.
//! - Attendees of a replica are sessions of the meeting that it is of: they receive as if they were in it, nobody is told
//!   of them, and what they send is left out, until they are promoted. Then they are the attendee whose token they showed;
//!   whoever is that attendee at another place has to go. Losing the socket ends a promotion.
//! - When the meeting ends, those of its replicas are told to come again, since their meetings have not ended.
//! - A camera beyond the limit is answered with status 206 and an inactive section; a content share with 409.
//! - The capability of content is about shares as a whole, sound included: without it there is no share that is present,
//!   takes a place or is heard. Who may not receive content does not see it; its sound is part of the mix.
//! - The mix goes out in one audio section, in which the client receives; voices may come in any.

mod allowance;
mod bandwidth;
mod data;
mod forwarding;
mod join;
mod layers;
mod outgoing;
mod packets;
mod promotion;
mod repair;
mod roster;
mod session;
mod sources;
mod subscribe;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::audio::{Codecs, Room, SourceId, TICK};
use crate::config::{Config, Limits};
use crate::error::TransportError;
use crate::event::{Farewell, Happened, MediaEvent, Output};
use crate::ids::{Attendee, Capabilities, GroupId, SessionId};
use crate::io::Datagrams;
use crate::signal::proto::{AudioAttendeeState, AudioStatus, FrameType, SignalFrame};
use crate::signal::{self, FrameError};
use crate::tap::Tap;
use crate::transport::dtls::Identity;
use data::Messages;
use session::Session;
use sources::Source;

/// Seconds between 1900, where NTP begins, and 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// A meeting with its media.
#[derive(Debug)]
pub struct Meeting<C: Codecs> {
    config: Arc<Config>,
    limits: Limits,
    identity: Identity,
    /// A moment on both clocks: nanoseconds since 1970.
    epoch: (Instant, u64),
    sessions: BTreeMap<SessionId, Session>,
    sources: BTreeMap<GroupId, Source>,
    room: Room<C>,
    tap: Option<Box<dyn Tap>>,
    messages: Messages,
    datagrams: Datagrams,
    outputs: VecDeque<Output>,
    next_tick: Instant,
    next_metadata: Instant,
    next_upkeep: Instant,
    next_layers: Instant,
    next_bitrates: Instant,
    /// Key frames to ask for: whom, and of which source.
    wanted_keyframes: Vec<(SessionId, u32)>,
    next_audio: u32,
    next_stream: u32,
    next_group: u32,
    /// Whether everybody has to be told the videos again.
    stale_index: bool,
    /// Volumes as they were told last.
    told_volumes: Option<Vec<AudioAttendeeState>>,
}

/// The next time of something that is due every so often, in step with the last, so that one waking does all of it.
fn after(last: Instant, every: Duration, now: Instant) -> Instant {
    let missed = now.saturating_duration_since(last).as_nanos() / every.as_nanos().max(1);
    last + every * u32::try_from(missed + 1).unwrap_or(u32::MAX)
}

impl<C: Codecs> Meeting<C> {
    /// A meeting without anybody. `wall` is the wall clock at `now`, in nanoseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`TransportError::Crypto`] when the codec cannot be made.
    pub fn new(
        config: Arc<Config>,
        limits: Limits,
        identity: Identity,
        audio: crate::audio::Config,
        codecs: C,
        now: Instant,
        wall: u64,
    ) -> Result<Self, TransportError> {
        let room = Room::new(audio, codecs).map_err(|error| TransportError::Crypto(error.to_string()))?;
        Ok(Self {
            config,
            limits,
            identity,
            epoch: (now, wall),
            sessions: BTreeMap::new(),
            sources: BTreeMap::new(),
            room,
            tap: None,
            messages: Messages::default(),
            datagrams: Datagrams::default(),
            outputs: VecDeque::new(),
            next_tick: now + TICK,
            next_metadata: now,
            next_upkeep: now,
            next_layers: now,
            next_bitrates: now + bandwidth::BITRATES,
            wanted_keyframes: Vec::new(),
            next_audio: 1,
            next_stream: 1,
            next_group: 1,
            stale_index: false,
            told_volumes: None,
        })
    }

    /// Gives a copy of what the meeting sounds and shows to `tap` from now on; to nobody, without one.
    pub fn set_tap(&mut self, tap: Option<Box<dyn Tap>>) {
        self.tap = tap;
    }

    /// The effort of its encoders from now on, 0 to 10: lower it under load.
    pub fn set_complexity(&mut self, complexity: u8) {
        self.room.set_complexity(complexity);
    }

    /// A client has opened its WebSocket.
    pub fn connect(&mut self, id: SessionId, attendee: Attendee) {
        let audio = SourceId(self.next_audio);
        self.next_audio += 1;
        self.sessions.insert(id, Session::new(attendee, audio));
    }

    /// A client sent a binary WebSocket message.
    ///
    /// # Errors
    ///
    /// [`FrameError`] for what is no frame, or one too many; it is left out and the connection goes on.
    pub fn message(&mut self, now: Instant, id: SessionId, message: &[u8]) -> Result<(), FrameError> {
        let Some(session) = self.sessions.get_mut(&id) else { return Ok(()) };
        if !session.frames.take(now, 1 + message.len() / 1024) {
            return Err(FrameError::TooMany);
        }
        let frame = signal::decode(message)?;
        self.handle_frame(now, id, frame);
        self.settle(now);
        Ok(())
    }

    /// A client's WebSocket is gone.
    pub fn disconnected(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.socket = false;
        self.demote(now, id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // Before it has joined there is nothing to come back to.
        if !session.joined {
            self.drop_session(now, id, Happened::Left);
        } else {
            session.lost.get_or_insert(now);
        }
        self.settle(now);
    }

    /// Everybody is sent away; those of replicas, to come again.
    pub fn end(&mut self, now: Instant, why: Farewell) {
        let all: Vec<(SessionId, bool)> =
            self.sessions.iter().map(|(id, session)| (*id, session.root().replica.is_some())).collect();
        for (id, replica) in all {
            self.dismiss(now, id, if replica { Farewell::Restart } else { why });
        }
    }

    /// Everybody of a replica is sent away.
    pub fn end_replica(&mut self, now: Instant, replica: &str, why: Farewell) {
        for id in self.sessions_of(|session| session.root().replica.as_deref() == Some(replica)) {
            self.dismiss(now, id, why);
        }
        self.settle(now);
    }

    fn sessions_of(&self, which: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        self.sessions.iter().filter(|(_, session)| which(session)).map(|(id, _)| *id).collect()
    }

    /// The attendee and its content share are sent away; whoever was promoted to be it is so no more.
    pub fn remove(&mut self, now: Instant, attendee: &str, why: Farewell) {
        for id in self.sessions_of(|session| &*session.root().id == attendee) {
            self.dismiss(now, id, why);
        }
        for id in self.sessions_of(|session| &*session.attendee.id == attendee) {
            self.withdraw_promotion(now, id);
        }
        self.settle(now);
    }

    /// An attendee may do other things from now on.
    pub fn set_capabilities(&mut self, now: Instant, attendee: &str, capabilities: Capabilities) {
        for session in self.sessions.values_mut() {
            if let Some(root) = session.root.as_mut().filter(|root| &*root.id == attendee) {
                root.capabilities = capabilities;
            }
        }
        for id in self.sessions_of(|session| &*session.attendee.id == attendee) {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.attendee.capabilities = capabilities;
            }
            self.apply_capabilities(id);
            self.withdraw_forbidden(id);
            // A share that may not be one is nobody: it has no place, and is not present.
            let ends = |session: &Session| session.attendee.content && !session.may_show();
            if self.sessions.get(&id).is_some_and(ends) {
                self.dismiss(now, id, Farewell::Removed);
            }
        }
        self.stale_index = true;
        self.settle(now);
    }

    /// Lets the mix know what a session may do.
    fn apply_capabilities(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get(&id) {
            let hears = session.attendee.capabilities.audio.receives();
            self.room.set_capabilities(session.audio, session.may_speak(), hears);
        }
    }

    /// Nobody is here, nor expected back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// The sessions that are here or expected back.
    pub fn attendees(&self) -> impl Iterator<Item = &Attendee> {
        self.sessions.values().map(|session| &session.attendee)
    }

    /// What has been counted of the audio.
    #[must_use]
    pub fn audio_stats(&self) -> &crate::audio::Stats {
        self.room.stats()
    }

    /// A read-only tap of the mix of the last 20 ms: see [`Room::mixed`].
    #[must_use]
    pub fn mixed(&self) -> &[f32] {
        self.room.mixed()
    }

    /// Whether rounds of the mix are made: somebody has a peer, or a tap listens. An empty meeting may stay for long.
    fn is_ticking(&self) -> bool {
        self.tap.is_some() || self.sessions.values().any(|session| session.peer.is_some())
    }

    /// Rounds begin again, at the moments at which they would have been made all the time.
    fn wake(&mut self, now: Instant) {
        if self.is_ticking() {
            return;
        }
        let rounds = [
            (&mut self.next_tick, TICK),
            (&mut self.next_metadata, roster::METADATA),
            (&mut self.next_upkeep, TICK),
        ];
        for (next, every) in rounds.into_iter().filter(|(next, _)| **next <= now) {
            *next = after(*next, every, now);
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Instant) {
        if !self.is_ticking() {
            self.upkeep(now);
            return self.settle(now);
        }
        // After a long pause the frames in between are left out.
        if now.saturating_duration_since(self.next_tick) > 10 * TICK {
            self.next_tick = after(self.next_tick, TICK, now) - TICK;
        }
        while now >= self.next_tick {
            self.next_tick += TICK;
            self.mix(now);
        }
        if now >= self.next_metadata {
            self.next_metadata = after(self.next_metadata, roster::METADATA, now);
            self.tell_volumes(now);
        }
        if now >= self.next_upkeep {
            // Repetitions of video are asked for twice in a tick; what else is due can wait for the next.
            let every = if self.sources.is_empty() { TICK } else { TICK / 2 };
            self.next_upkeep = after(self.next_upkeep, every, now);
            self.upkeep(now);
        }
        self.settle(now);
    }

    /// When [`Self::timeout`] wants to be called, if nothing else happens before: each round of the mix, while somebody
    /// has a peer; else when somebody is waited for no longer.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_ticking() {
            return Some(self.next_tick.min(self.next_metadata).min(self.next_upkeep));
        }
        let lost = self.sessions.values().filter(|session| session.joined).filter_map(|session| session.lost);
        lost.min().map(|at| at + self.config.grace)
    }

    /// Datagrams to send; whoever takes them clears them.
    pub fn datagrams(&mut self) -> &mut Datagrams {
        &mut self.datagrams
    }

    /// The next thing that is to be done outside.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Milliseconds since 1970.
    fn wall_ms(&self, now: Instant) -> u64 {
        self.wall_ns(now) / 1_000_000
    }

    fn wall_ns(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch.0).as_nanos();
        self.epoch.1.saturating_add(u64::try_from(since).unwrap_or_default())
    }

    /// The wall clock as NTP writes it.
    fn ntp(&self, now: Instant) -> u64 {
        let nanos = self.wall_ns(now);
        let seconds = (nanos / 1_000_000_000 + NTP_EPOCH) & 0xffff_ffff;
        let fraction = ((nanos % 1_000_000_000) << 32) / 1_000_000_000;
        (seconds << 32) | fraction
    }

    fn frame(&self, now: Instant, kind: FrameType) -> SignalFrame {
        SignalFrame::new(self.wall_ms(now), kind)
    }

    fn send(&mut self, id: SessionId, frame: &SignalFrame) {
        if self.sessions.get(&id).is_some_and(|session| session.socket) {
            self.outputs.push_back(Output::Signal { session: id, message: signal::encode(frame).into() });
        }
    }

    fn event(&mut self, attendee: Attendee, what: Happened) {
        self.outputs.push_back(Output::Event(MediaEvent { attendee, what }));
    }

    /// Sends a session away.
    fn dismiss(&mut self, now: Instant, id: SessionId, why: Farewell) {
        if let Some(status) = why.audio_status() {
            let frame = SignalFrame {
                audio_status: Some(AudioStatus { audio_status: Some(status) }),
                ..self.frame(now, FrameType::AudioStatus)
            };
            self.send(id, &frame);
        }
        if self.sessions.get(&id).is_some_and(|session| session.socket) {
            self.outputs.push_back(Output::Close { session: id, code: why.close_code() });
        }
        self.drop_session(now, id, Happened::Left);
    }

    /// Tells everybody what has changed, once for all that was done.
    fn settle(&mut self, now: Instant) {
        if std::mem::take(&mut self.stale_index) {
            self.tell_index(now);
        }
    }
}
