//! A thread that owns meetings.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use super::effort::Effort;
use super::exits::Exits;
use super::routes::{Route, Routes};
use super::shelf::Shelf;
use super::sort::{Batch, count};
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
/// Where meetings may begin, in nanoseconds: a quarter of a tick.
const GRID: u64 = 5_000_000;
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
    /// When it was put on the heap for, if it is to be called.
    due: Option<Instant>,
}

/// What all workers of an engine have in common.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) config: Arc<Config>,
    pub(super) audio: audio::Config,
    pub(super) identity: Identity,
    pub(super) exits: Arc<Exits>,
    pub(super) routes: Arc<Routes>,
    pub(super) counts: Arc<Counts>,
}

pub(super) struct Worker {
    number: usize,
    common: Common,
    shelf: Arc<Shelf>,
    /// Taken from the shelf.
    taken: Vec<Batch>,
    meetings: HashMap<MeetingKey, Owned>,
    heap: BinaryHeap<Reverse<(Instant, MeetingKey)>>,
    /// Meetings begin at multiples of [`GRID`] after this.
    began: Instant,
    effort: Effort,
}

impl Worker {
    pub(super) fn new(number: usize, common: Common, shelf: Arc<Shelf>) -> Self {
        let effort = Effort::new(common.audio.complexity, now());
        let (taken, meetings, heap, began) = (Vec::new(), HashMap::new(), BinaryHeap::new(), now());
        Self { number, common, shelf, taken, meetings, heap, began, effort }
    }

    pub(super) fn run(mut self, work: &Receiver<Work>) {
        loop {
            let wait =
                self.heap.peek().map_or(IDLE, |Reverse((due, _))| due.saturating_duration_since(now()));
            let first = work.recv_timeout(wait);
            let woken = now();
            self.clear_shelf();
            match first {
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
            let done = now();
            if let Some(complexity) = self.effort.worked(woken, done) {
                self.meetings.values_mut().for_each(|owned| owned.meeting.set_complexity(complexity));
            }
        }
    }

    /// Does what has waited.
    fn clear_shelf(&mut self) {
        let mut taken = std::mem::take(&mut self.taken);
        self.shelf.swap(&mut taken);
        for batch in taken.drain(..) {
            // It is as if it had been taken when it came: whatever waits for a tick is played by when it came.
            let at = batch.at;
            self.datagrams(at, batch);
        }
        self.taken = taken;
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Open(key, limits, sink, tap) => self.open(key, limits, sink, tap),
            Work::Input(key, input) => self.input(key, input),
            Work::Datagrams(batch) => self.datagrams(now(), batch),
            Work::Stop => {}
        }
    }

    fn open(&mut self, key: MeetingKey, limits: Limits, sink: Sink, tap: Option<Box<dyn Tap>>) {
        // On a grid, so that one waking serves many meetings.
        let now = now();
        let into = u64::try_from(now.duration_since(self.began).as_nanos()).unwrap_or_default() % GRID;
        let begins = now.checked_sub(Duration::from_nanos(into)).unwrap_or(now);
        let audio = audio::Config { complexity: self.effort.complexity(), ..self.common.audio.clone() };
        let meeting = Meeting::new(
            Arc::clone(&self.common.config),
            limits,
            self.common.identity.clone(),
            audio,
            Opus,
            begins,
            wall() - into,
        );
        // Only a codec that cannot be made fails here, and it is compiled in; the meeting's clients find nobody.
        let Ok(mut meeting) = meeting else { return };
        meeting.set_tap(tap);
        self.meetings.insert(key, Owned { meeting, sink, due: None });
        self.schedule(key);
    }

    /// Notes when a meeting is to be called next, if that has changed.
    fn schedule(&mut self, key: MeetingKey) {
        let Some(Owned { meeting, due, .. }) = self.meetings.get_mut(&key) else { return };
        let next = meeting.poll_timeout();
        if *due != next {
            *due = next;
            self.heap.extend(next.map(|next| Reverse((next, key))));
        }
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
            Input::Promote(session, who) => meeting.promote(now, session, who),
            Input::EndReplica(replica, why) => meeting.end_replica(now, &replica, why),
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

    /// Hands datagrams in as of `at`.
    fn datagrams(&mut self, at: Instant, mut batch: Batch) {
        if now().saturating_duration_since(batch.at) > STALE {
            self.common.counts.overflowed.fetch_add(count(&batch), Ordering::Relaxed);
            return;
        }
        let mut touched: Vec<MeetingKey> = Vec::with_capacity(4);
        for (route, from, range) in batch.list.drain(..) {
            let Some(Owned { meeting, .. }) = self.meetings.get_mut(&route.meeting) else { continue };
            let Some(datagram) = batch.bytes.get_mut(range) else { continue };
            meeting.datagram(at, route.session, from, datagram);
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
            if *noted != Some(due) {
                continue;
            }
            *noted = None;
            if now.saturating_duration_since(due) > LATE {
                self.common.counts.late_ticks.fetch_add(1, Ordering::Relaxed);
            }
            self.common.counts.ticks.fetch_add(1, Ordering::Relaxed);
            meeting.timeout(now);
            self.drain(key);
        }
    }

    /// Sends what a meeting has put out, after whatever was done with it.
    fn drain(&mut self, key: MeetingKey) {
        let Some(Owned { meeting, sink, .. }) = self.meetings.get_mut(&key) else { return };
        let datagrams: &mut Datagrams = meeting.datagrams();
        self.common.exits.send(now(), datagrams, &self.common.counts);
        datagrams.clear();
        while let Some(output) = meeting.poll_output() {
            match output {
                Output::Route { ufrag, session, audio: patient } => {
                    let worker = self.number;
                    self.common.routes.add(ufrag, Route { worker, meeting: key, session, patient });
                }
                Output::Unroute { session } => self.common.routes.remove(key, session),
                other => sink(other),
            }
        }
        self.schedule(key);
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
