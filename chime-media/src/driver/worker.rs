//! A thread that owns meetings.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use super::exits::Exits;
use super::routes::{Route, Routes};
use super::sort::Batch;
use super::{Counts, Input, MeetingKey, Sink};
use crate::audio::{self, Opus};
use crate::config::{Config, Limits};
use crate::event::Output;
use crate::io::Datagrams;
use crate::meeting::Meeting;
use crate::tap::Tap;
use crate::transport::dtls::Identity;

/// A tick this late is counted.
const LATE: Duration = Duration::from_millis(10);
/// How long a worker without meetings sleeps.
const IDLE: Duration = Duration::from_secs(1);
/// Datagrams older than this are dropped: their worker is too far behind for them to be heard.
const STALE: Duration = Duration::from_millis(500);

/// What a worker is given to do.
pub(super) enum Work {
    Open(MeetingKey, Limits, Sink, Option<Box<dyn Tap>>),
    Input(MeetingKey, Input),
    Datagrams(Batch),
    Stop,
}

struct Owned {
    meeting: Meeting<Opus>,
    sink: Sink,
    /// When it was put on the heap for.
    due: Instant,
}

pub(super) struct Worker {
    number: usize,
    config: Arc<Config>,
    audio: audio::Config,
    identity: Identity,
    exits: Arc<Exits>,
    routes: Arc<Routes>,
    counts: Arc<Counts>,
    meetings: HashMap<MeetingKey, Owned>,
    heap: BinaryHeap<Reverse<(Instant, MeetingKey)>>,
}

impl Worker {
    pub(super) fn new(
        number: usize,
        config: Arc<Config>,
        audio: audio::Config,
        identity: Identity,
        exits: Arc<Exits>,
        routes: Arc<Routes>,
        counts: Arc<Counts>,
    ) -> Self {
        let (meetings, heap) = (HashMap::new(), BinaryHeap::new());
        Self { number, config, audio, identity, exits, routes, counts, meetings, heap }
    }

    pub(super) fn run(mut self, work: &Receiver<Work>) {
        loop {
            let wait =
                self.heap.peek().map_or(IDLE, |Reverse((due, _))| due.saturating_duration_since(now()));
            match work.recv_timeout(wait) {
                Ok(Work::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(first) => {
                    self.take(first);
                    // What has come in the meantime, before time goes on; but not for ever.
                    for next in work.try_iter().take(64) {
                        if matches!(next, Work::Stop) {
                            return;
                        }
                        self.take(next);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.timeouts();
        }
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Open(key, limits, sink, tap) => self.open(key, limits, sink, tap),
            Work::Input(key, input) => self.input(key, input),
            Work::Datagrams(batch) => self.datagrams(batch),
            Work::Stop => {}
        }
    }

    fn open(&mut self, key: MeetingKey, limits: Limits, sink: Sink, tap: Option<Box<dyn Tap>>) {
        let now = now();
        let meeting = Meeting::new(
            Arc::clone(&self.config),
            limits,
            self.identity.clone(),
            self.audio.clone(),
            Opus,
            now,
            wall(),
        );
        // Only a codec that cannot be made fails here, and it is compiled in; the meeting's clients find nobody.
        let Ok(mut meeting) = meeting else { return };
        meeting.set_tap(tap);
        let due = meeting.poll_timeout();
        self.meetings.insert(key, Owned { meeting, sink, due });
        self.heap.push(Reverse((due, key)));
    }

    fn input(&mut self, key: MeetingKey, input: Input) {
        let now = now();
        let Some(Owned { meeting, .. }) = self.meetings.get_mut(&key) else { return };
        let mut over = false;
        match input {
            Input::Connect(session, attendee) => meeting.connect(session, attendee),
            Input::Message(session, message) => {
                // The real service drops what it cannot read, too.
                let _dropped = meeting.message(now, session, &message);
            }
            Input::Disconnected(session) => meeting.disconnected(now, session),
            Input::Remove(attendee, why) => meeting.remove(now, &attendee, why),
            Input::Capabilities(attendee, capabilities) => {
                meeting.set_capabilities(now, &attendee, capabilities)
            }
            Input::End(why) => {
                meeting.end(now, why);
                over = true;
            }
        }
        self.drain(key);
        if over {
            self.meetings.remove(&key);
        }
    }

    fn datagrams(&mut self, mut batch: Batch) {
        let now = now();
        if now.saturating_duration_since(batch.at) > STALE {
            let count = u64::try_from(batch.list.len()).unwrap_or_default();
            self.counts.overflowed.fetch_add(count, Ordering::Relaxed);
            return;
        }
        let mut touched: Vec<MeetingKey> = Vec::with_capacity(4);
        for (route, from, range) in batch.list.drain(..) {
            let Some(Owned { meeting, .. }) = self.meetings.get_mut(&route.meeting) else { continue };
            let Some(datagram) = batch.bytes.get_mut(range) else { continue };
            meeting.datagram(now, route.session, from, datagram);
            if !touched.contains(&route.meeting) {
                touched.push(route.meeting);
            }
        }
        for key in touched {
            self.drain(key);
        }
    }

    fn timeouts(&mut self) {
        let now = now();
        while let Some(Reverse((due, key))) =
            self.heap.peek().copied().filter(|Reverse((due, _))| *due <= now)
        {
            self.heap.pop();
            let Some(Owned { meeting, due: noted, .. }) = self.meetings.get_mut(&key) else { continue };
            if *noted != due {
                continue;
            }
            if now.saturating_duration_since(due) > LATE {
                self.counts.late_ticks.fetch_add(1, Ordering::Relaxed);
            }
            self.counts.ticks.fetch_add(1, Ordering::Relaxed);
            meeting.timeout(now);
            let next = meeting.poll_timeout();
            *noted = next;
            self.heap.push(Reverse((next, key)));
            self.drain(key);
        }
    }

    /// Sends what a meeting has put out.
    fn drain(&mut self, key: MeetingKey) {
        let Some(Owned { meeting, sink, .. }) = self.meetings.get_mut(&key) else { return };
        let datagrams: &mut Datagrams = meeting.datagrams();
        self.exits.send(now(), datagrams, &self.counts);
        datagrams.clear();
        while let Some(output) = meeting.poll_output() {
            match output {
                Output::Route { ufrag, session } => {
                    self.routes.add(ufrag, Route { worker: self.number, meeting: key, session });
                }
                Output::Unroute { session } => self.routes.remove(key, session),
                other => sink(other),
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the driver is where the clock is read")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the driver is where the clock is read")]
pub(super) fn wall() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}
