//! The meetings that somebody is in, and the WebSockets of those.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chime_domain::flow::Chime;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::meetings::{Admission, MeetingFacts, Residents};
use chime_domain::ports::MediaCapability;
use chime_media::config::Limits;
use chime_media::driver::{Engine, Input, MeetingKey};
use chime_media::event::{Farewell, Output};
use chime_media::ids::{Attendee, Capabilities, Capability, SessionId};
use chime_media::signal::proto::Credentials;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender, channel};
use tokio::time::Instant;

use super::empty::Empty;
use super::report;

/// Frames that wait for a client.
const WAITING: usize = 256;
/// What is to be sent to a client.
#[derive(Debug)]
pub(super) enum Outgoing {
    Frame(Arc<[u8]>),
    /// Not to be sent: it shows that it is an attendee of the primary meeting.
    Promote(Credentials),
    Close(u16),
}

type Clients = Arc<Mutex<HashMap<SessionId, Sender<Outgoing>>>>;

#[derive(Debug)]
struct Live {
    key: MeetingKey,
    /// The replicas that somebody has been in.
    replicas: HashSet<MeetingId>,
    clients: Clients,
    members: HashMap<SessionId, Member>,
}

/// Who has a WebSocket, and what it may do as far as the engine was told.
#[derive(Debug)]
struct Member {
    /// Its own meeting, which may be a replica.
    meeting: MeetingId,
    attendee: AttendeeId,
    may: chime_domain::ports::Capabilities,
}

/// A client's place in a meeting.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) meeting: MeetingId,
    /// The meeting that its own is a replica of.
    pub(super) replica_of: Option<MeetingId>,
    pub(super) key: MeetingKey,
    pub(super) session: SessionId,
    pub(super) outgoing: Receiver<Outgoing>,
}

/// The meetings of this server that somebody is in.
#[derive(Debug, Default)]
pub(super) struct Lives {
    next: AtomicU64,
    lives: Mutex<HashMap<MeetingId, Live>>,
    /// Those of them that nobody has a WebSocket of. Locked inside of `lives` only.
    empty: Mutex<Empty>,
}

impl Lives {
    /// Gives a client its place; the meeting begins with the first.
    pub(super) fn join(&self, engine: &Engine, chime: &Chime, node: &str, admission: &Admission) -> Place {
        let session = SessionId(self.next.fetch_add(1, Ordering::Relaxed));
        let (sender, outgoing) = channel(WAITING);
        let home = home(admission);
        let id = &home.id;
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let live = lives.entry(id.clone()).or_insert_with(|| {
            let clients = Clients::default();
            let sink = sink(Arc::clone(&clients), report::start(chime, node, id));
            let key = engine.open(limits(home), Box::new(sink));
            Live { key, replicas: HashSet::new(), clients, members: HashMap::new() }
        });
        self.empty().came(id);
        if admission.primary.is_some() {
            live.replicas.insert(admission.meeting.id.clone());
        }
        live.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(session, sender);
        let member = Member {
            meeting: admission.meeting.id.clone(),
            attendee: admission.attendee.clone(),
            may: admission.capabilities,
        };
        live.members.insert(session, member);
        engine.post(live.key, Input::Connect(session, attendee(admission)));
        let replica_of = admission.primary.as_ref().map(|primary| primary.id.clone());
        Place { meeting: id.clone(), replica_of, key: live.key, session, outgoing }
    }

    /// A client's WebSocket is gone. Says whether [`Self::forget`] has to be called from now on, as nobody does yet.
    pub(super) fn leave(&self, engine: &Engine, place: &Place, now: Instant) -> bool {
        engine.post(place.key, Input::Disconnected(place.session));
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let live = lives.get_mut(&place.meeting).filter(|live| live.key == place.key);
        let Some(live) = live else { return false };
        live.members.remove(&place.session);
        let mut clients = live.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.remove(&place.session);
        clients.is_empty() && self.empty().left(&place.meeting, now)
    }

    /// Forgets the meetings that have stayed empty. Says when to call again, if ever.
    pub(super) fn forget(&self, engine: &Engine, now: Instant) -> Option<Instant> {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let (over, next) = self.empty().over(now);
        for meeting in over {
            if let Some(live) = lives.remove(&meeting) {
                engine.post(live.key, Input::End(Farewell::Ended));
            }
        }
        next
    }

    fn empty(&self) -> MutexGuard<'_, Empty> {
        self.empty.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happens to a meeting or to a replica, if it lives here.
    pub(super) fn post(&self, engine: &Engine, meeting: &MeetingId, input: Input) {
        let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let replica = || lives.values().find(|live| live.replicas.contains(meeting));
        if let Some(live) = lives.get(meeting).or_else(replica) {
            engine.post(live.key, input);
        }
    }

    /// An attendee may do something else from now on.
    pub(super) fn allow(
        &self,
        engine: &Engine,
        meeting: &MeetingId,
        attendee: &AttendeeId,
        may: chime_domain::ports::Capabilities,
    ) {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |live: &&mut Live| live.replicas.contains(meeting);
        let live =
            if lives.contains_key(meeting) { lives.get_mut(meeting) } else { lives.values_mut().find(of) };
        let Some(live) = live else { return };
        for member in live.members.values_mut() {
            if member.meeting == *meeting && member.attendee == *attendee {
                member.may = may;
            }
        }
        engine.post(live.key, Input::Capabilities(name(attendee), capabilities(may)));
    }

    /// Whoever has a WebSocket, by meetings and replicas.
    pub(super) fn residents(&self) -> Residents {
        let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let mut residents = Residents::new();
        for (id, live) in lives.iter() {
            residents.entry(id.clone()).or_default();
            for member in live.members.values() {
                let of = residents.entry(member.meeting.clone()).or_default();
                of.insert(member.attendee.clone(), member.may);
            }
        }
        residents
    }

    /// A meeting lives elsewhere: everybody is to come again.
    pub(super) fn moved(&self, engine: &Engine, meeting: &MeetingId) {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = lives.remove(meeting) {
            self.empty().came(meeting);
            engine.post(live.key, Input::End(Farewell::Restart));
        }
    }

    /// A meeting has ended, or a replica.
    pub(super) fn end(&self, engine: &Engine, meeting: &MeetingId) {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = lives.remove(meeting) {
            self.empty().came(meeting);
            engine.post(live.key, Input::End(Farewell::Ended));
        }
        for live in lives.values_mut() {
            if live.replicas.remove(meeting) {
                engine.post(live.key, Input::EndReplica(meeting.as_str().into(), Farewell::Ended));
            }
        }
    }

    /// Everybody has to go.
    pub(super) fn drain(&self, engine: &Engine) {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, live) in lives.drain() {
            engine.post(live.key, Input::End(Farewell::Restart));
        }
    }

    /// Meetings and connections.
    pub(super) fn count(&self) -> (usize, usize) {
        let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |live: &Live| live.clients.lock().unwrap_or_else(PoisonError::into_inner).len();
        (lives.len(), lives.values().map(of).sum())
    }
}

/// Takes what a meeting puts out, on the engine's thread.
fn sink(
    clients: Clients,
    reports: UnboundedSender<chime_media::event::MediaEvent>,
) -> impl FnMut(Output) + Send {
    move |output| {
        let (session, outgoing, last) = match output {
            Output::Signal { session, message } => (session, Outgoing::Frame(message), false),
            Output::Close { session, code } => (session, Outgoing::Close(code), true),
            Output::Event(event) => {
                // Nobody listens only when the process ends.
                let _ended = reports.send(event);
                return;
            }
            Output::Promote { session, credentials } => (session, Outgoing::Promote(credentials), false),
            Output::Route { .. } | Output::Unroute { .. } => return,
        };
        let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(client) = clients.get(&session) else { return };
        // A client that takes nothing loses its place: its task sees the channel end.
        if let (Err(TrySendError::Full(_)), _) | (_, true) = (client.try_send(outgoing), last) {
            clients.remove(&session);
        }
    }
}

/// The meeting whose media an attendee gets.
pub(super) fn home(admission: &Admission) -> &MeetingFacts {
    admission.primary.as_ref().unwrap_or(&admission.meeting)
}

pub(super) fn attendee(admission: &Admission) -> Attendee {
    // A replica stays one when its primary meeting has ended: then there is nobody to hear or see.
    let replica = admission.meeting.primary.is_some().then(|| admission.meeting.id.as_str().into());
    Attendee {
        id: admission.attendee.as_str().into(),
        external_user_id: admission.external_user_id.as_str().into(),
        content: admission.content,
        capabilities: capabilities(admission.capabilities),
        replica,
    }
}

/// What the rules call capabilities, as the engine calls them.
pub(super) fn capabilities(of: chime_domain::ports::Capabilities) -> Capabilities {
    let each = |capability: MediaCapability| match capability {
        MediaCapability::SendReceive => Capability::SendReceive,
        MediaCapability::Send => Capability::Send,
        MediaCapability::Receive => Capability::Receive,
        MediaCapability::None => Capability::None,
    };
    Capabilities { audio: each(of.audio), video: each(of.video), content: each(of.content) }
}

fn limits(meeting: &MeetingFacts) -> Limits {
    let limits = meeting.limits;
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Limits::default().with(
        count(limits.video_tiles),
        count(limits.content_shares),
        count(limits.audio_streams),
    )
}

/// The engine's name of an attendee.
pub(super) fn name(attendee: &AttendeeId) -> Arc<str> {
    attendee.as_str().into()
}
