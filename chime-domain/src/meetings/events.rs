//! What is told of meetings (rules EVT-01 to EVT-09).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::keys;
use super::service::Meetings;
use super::types::{Attendee, Meeting};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Task, TaskKind, load};
use crate::ports::{AnnounceError, Batch, Change, Entity, EventTarget, Record};
use crate::text::Private;
use crate::time::Timestamp;

/// How long it is tried.
const GIVE_UP: Duration = Duration::from_secs(15 * 60);
/// How long the first try that failed is waited after; each further one twice as long.
const RETRY: Duration = Duration::from_secs(2);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

macro_rules! types {
    ($($name:ident)*) => {
        /// The documented types of events (rule EVT-09); on the wire they have the prefix `chime:`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum MeetingEventType {$(
            #[doc = concat!("`chime:", stringify!($name), "`.")]
            $name,
        )*}

        impl MeetingEventType {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];

            /// Its name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("chime:", stringify!($name)),)*
                }
            }
        }
    };
}

types! {
    MeetingStarted MeetingEnded AttendeeAdded AttendeeDeleted AttendeeAuthorized AttendeeJoined AttendeeLeft
    AttendeeDropped AttendeeVideoStarted AttendeeVideoStopped AttendeeScreenShareStarted AttendeeScreenShareStopped
    AttendeeContentJoined AttendeeContentLeft AttendeeContentDropped AttendeeContentVideoStarted
    AttendeeContentVideoStopped
}

impl MeetingEventType {
    /// Whether it tells of a connection, which has a type of network.
    const fn is_of_a_connection(self) -> bool {
        use MeetingEventType::*;
        !matches!(self, MeetingStarted | MeetingEnded | AttendeeAdded | AttendeeDeleted)
    }

    /// The event of screen shares that goes with one of content shares.
    const fn as_screen_share(self) -> Option<Self> {
        match self {
            Self::AttendeeContentVideoStarted => Some(Self::AttendeeScreenShareStarted),
            Self::AttendeeContentVideoStopped => Some(Self::AttendeeScreenShareStopped),
            _ => None,
        }
    }
}

/// An event of a meeting, on its way to those who listen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingEvent {
    /// The event as it is told: a JSON text, the same to all (rule EVT-02).
    body: Private<String>,
    /// When it happened.
    at: Timestamp,
    /// Who has not been told yet.
    targets: Vec<EventTarget>,
    /// How often it was tried.
    tries: u32,
}

impl Entity for MeetingEvent {
    const NAME: &'static str = "meeting-event";
}

impl Meetings<'_> {
    /// What has an event told, with the commit that makes it. Nothing, when nobody listens.
    pub(super) fn tell(
        &self,
        meeting: &Meeting,
        event: MeetingEventType,
        attendee: Option<&Attendee>,
    ) -> Vec<Change> {
        let targets = self.listeners(meeting);
        if targets.is_empty() {
            return Vec::new();
        }
        let also = event.as_screen_share().filter(|_| self.chime.settings().screen_share_events);
        let one = |event| {
            let (id, at) = (self.chime.entropy().uuid(), self.chime.now());
            let body = Private(self.envelope(&id, at, meeting, event, attendee).to_string());
            let told = MeetingEvent { body, at, targets: targets.clone(), tries: 0 };
            [
                Change::Put(keys::event(&id), Record::of(told)),
                Task::new(TaskKind::TellMeetingEvent, at, [id]).schedule(),
            ]
        };
        std::iter::once(event).chain(also).flat_map(one).collect()
    }

    fn listeners(&self, meeting: &Meeting) -> Vec<EventTarget> {
        let announcer = self.chime.announcer();
        let mut targets = announcer.standing();
        if announcer.takes_targets() {
            let own = &meeting.notifications;
            targets.extend(own.queue.clone().map(EventTarget::Queue));
            targets.extend(own.topic.clone().map(EventTarget::Topic));
            targets.extend(own.function.clone().map(EventTarget::Function));
        }
        targets
    }

    /// The event as it is told (rule EVT-08).
    fn envelope(
        &self,
        id: &str,
        at: Timestamp,
        meeting: &Meeting,
        event: MeetingEventType,
        attendee: Option<&Attendee>,
    ) -> Value {
        let settings = self.chime.settings();
        let mut detail = json!({
            "version": "0",
            "eventType": event.name(),
            "timestamp": at.millis(),
            "meetingId": meeting.id,
            "mediaRegion": meeting.media_region,
        });
        if let Some(members) = detail.as_object_mut() {
            let mut put = |name: &str, value: &str| members.insert(name.to_owned(), value.into());
            if let Some(external) = &meeting.external_id {
                put("externalMeetingId", external.as_str());
            }
            if let Some(attendee) = attendee {
                put("attendeeId", attendee.id.as_str());
                put("externalUserId", attendee.external_user_id.as_str());
            }
            if event.is_of_a_connection() {
                put("networkType", "Voip");
            }
        }
        json!({
            "version": "0",
            "id": id,
            "detail-type": "Chime Meeting State Change",
            "source": "aws.chime",
            "account": settings.account,
            "time": at.to_string(),
            "region": settings.region,
            "resources": [],
            "detail": detail,
        })
    }
}

/// Tells an event to those who have not been told yet.
pub(crate) async fn run(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(id) = task.subject.first() else { return Ok(None) };
    let found = load::<MeetingEvent>(chime.store(), keys::event(id)).await?;
    let Some(event) = found.get() else { return Ok(None) };
    let body = Private(event.body.0.clone().into_bytes());
    let outcomes = chime.announcer().tell(&body, &event.targets).await;
    let later = |outcome: &Result<(), AnnounceError>| matches!(outcome, Err(AnnounceError::Unreachable(_)));
    let left = event.targets.iter().zip(&outcomes).filter(|(_, outcome)| later(outcome));
    let left: Vec<_> = left.map(|(target, _)| target.clone()).collect();
    let now = chime.now();
    let (change, next) = if left.is_empty() || now >= event.at + GIVE_UP {
        (Change::Delete(found.key().clone()), None)
    } else {
        let tries = event.tries.saturating_add(1);
        let wait = RETRY.saturating_mul(2_u32.saturating_pow(event.tries)).min(LONGEST_WAIT);
        let rest = MeetingEvent { targets: left, tries, ..event.clone() };
        let again = Task::new(TaskKind::TellMeetingEvent, now + wait, task.subject.clone());
        (Change::Put(found.key().clone(), Record::of(rest)), Some(again))
    };
    let batch = Batch { guards: vec![found.guard()], changes: vec![change], announce: Vec::new() };
    match chime.store().commit(batch).await {
        Ok(_) => Ok(next),
        // The lease ran out and another goes on with it.
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
