//! Who is there, as the media services tell it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::events::MeetingEventType::{self, *};
use super::keys;
use super::rules::auto_end;
use super::service::{Meetings, decoded};
use super::types::{Attendee, Meeting};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Decision, Loaded, Task, TaskKind, load};
use crate::ids::{AttendeeId, MeetingId};
use crate::ports::{Change, Entity, Record};
use crate::time::Timestamp;

/// What the media services tell of an attendee, or of its content share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaReport {
    /// It showed a good token.
    Authorized {
        /// Who.
        attendee: AttendeeId,
        /// Its content share.
        content: bool,
    },
    /// It has a connection with audio. To say so twice is to say it once.
    Joined {
        /// Who.
        attendee: AttendeeId,
        /// Its content share.
        content: bool,
    },
    /// It ended its connection.
    Left {
        /// Who.
        attendee: AttendeeId,
        /// Its content share.
        content: bool,
    },
    /// Its connection was lost.
    Dropped {
        /// Who.
        attendee: AttendeeId,
        /// Its content share.
        content: bool,
    },
    /// It shows video.
    VideoStarted {
        /// Who.
        attendee: AttendeeId,
        /// Its content share.
        content: bool,
    },
    /// It shows video no more.
    VideoStopped {
        /// Who.
        attendee: AttendeeId,
        /// Its content share.
        content: bool,
    },
}

/// Who is in a meeting, and since when each condition of `AUTO_END` holds. Sets and not counts, so that what is
/// reported twice, or by a node that has forgotten what it reported, comes to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Attendees with a connection.
    pub attendees: BTreeSet<String>,
    /// Attendees whose content share has one.
    pub content: BTreeSet<String>,
    /// Attendees who show video.
    pub video: BTreeSet<String>,
    /// Attendees whose content share shows video.
    pub content_video: BTreeSet<String>,
    /// Since when each condition holds.
    pub since: [Option<Timestamp>; auto_end::AUTO_END.len()],
    /// When it is looked whether the meeting has to end. The task for this moment is always there.
    pub watch: Timestamp,
}

impl Entity for Presence {
    const NAME: &'static str = "meeting-presence";
}

impl Presence {
    /// Nobody, in a meeting made at `now`.
    pub(super) fn begin(now: Timestamp) -> Self {
        let none = BTreeSet::new;
        let (attendees, content, video, content_video) = (none(), none(), none(), none());
        let mut presence =
            Self { attendees, content, video, content_video, since: Default::default(), watch: now };
        auto_end::settle(&mut presence, now);
        presence.watch = auto_end::due(&presence);
        presence
    }

    /// How many connections with audio there are.
    #[must_use]
    pub fn audio(&self) -> usize {
        self.attendees.len()
    }

    /// Whether content is shared that somebody else can look at.
    #[must_use]
    pub fn content_is_viewed(&self) -> bool {
        self.content.iter().any(|sharer| self.attendees.iter().any(|viewer| viewer != sharer))
    }

    /// Takes a report in; gives the events that it makes.
    pub(super) fn take(&mut self, report: &MediaReport) -> Vec<MeetingEventType> {
        let (attendee, content) = report.about();
        let id = attendee.as_str();
        let one = |changed: bool, as_attendee, as_content| {
            let event = if content { as_content } else { as_attendee };
            changed.then_some(event).into_iter().collect()
        };
        let (present, video) = if content {
            (&mut self.content, &mut self.content_video)
        } else {
            (&mut self.attendees, &mut self.video)
        };
        match report {
            // A content share needs no event of its own for what its attendee was.
            MediaReport::Authorized { .. } => {
                if content {
                    Vec::new()
                } else {
                    vec![AttendeeAuthorized]
                }
            }
            MediaReport::Joined { .. } => {
                one(present.insert(id.to_owned()), AttendeeJoined, AttendeeContentJoined)
            }
            MediaReport::Left { .. } => {
                video.remove(id);
                one(present.remove(id), AttendeeLeft, AttendeeContentLeft)
            }
            MediaReport::Dropped { .. } => {
                video.remove(id);
                one(present.remove(id), AttendeeDropped, AttendeeContentDropped)
            }
            // Video without a connection is the late word of one that is gone.
            MediaReport::VideoStarted { .. } if !present.contains(id) => Vec::new(),
            MediaReport::VideoStarted { .. } => {
                one(video.insert(id.to_owned()), AttendeeVideoStarted, AttendeeContentVideoStarted)
            }
            MediaReport::VideoStopped { .. } => {
                one(video.remove(id), AttendeeVideoStopped, AttendeeContentVideoStopped)
            }
        }
    }
}

impl MediaReport {
    /// Whom it is about, and whether about the content share.
    #[must_use]
    pub fn about(&self) -> (&AttendeeId, bool) {
        match self {
            Self::Authorized { attendee, content }
            | Self::Joined { attendee, content }
            | Self::Left { attendee, content }
            | Self::Dropped { attendee, content }
            | Self::VideoStarted { attendee, content }
            | Self::VideoStopped { attendee, content } => (attendee, *content),
        }
    }
}

impl Meetings<'_> {
    /// Takes in what the media services of `node` tell. It is safe to tell it again, late, or of who or what is no more:
    /// a node that the meeting has left meanwhile has nothing to say of it.
    ///
    /// # Errors
    ///
    /// The store's errors; a conflict when it was overtaken too often.
    pub async fn report(
        &self,
        meeting: &MeetingId,
        node: &str,
        report: MediaReport,
    ) -> Result<(), ServiceError> {
        self.take(meeting, Some(node), report).await
    }

    async fn take(
        &self,
        meeting: &MeetingId,
        node: Option<&str>,
        report: MediaReport,
    ) -> Result<(), ServiceError> {
        let (attendee, _) = report.about();
        let gone = self
            .chime
            .transact(|_| async {
                let keys =
                    [keys::meeting(meeting), keys::presence(meeting), keys::attendee(meeting, attendee)];
                let found = self.chime.store().get(&keys).await?;
                let [(a, at_a), (b, at_b), (c, at_c)] = decoded(keys, found);
                let meeting = Loaded::<Meeting>::decode(a, at_a)?;
                let presence = Loaded::<Presence>::decode(b, at_b)?;
                let attendee = Loaded::<Attendee>::decode(c, at_c)?;
                let (Some(facts), Some(before)) = (meeting.get(), presence.get()) else {
                    return Ok(Decision::reply(None));
                };
                if let Some(node) = node
                    && !self.has_media_on(facts, node).await?
                {
                    return Ok(Decision::reply(None));
                }
                let mut after = before.clone();
                let events = after.take(&report);
                if !attendee.exists() && matches!(report, MediaReport::Joined { .. }) {
                    // It was deleted while it joined.
                    return Ok(Decision::reply(Some(facts.node.clone())));
                }
                let told = events.into_iter().flat_map(|event| self.tell(facts, event, attendee.get()));
                let decision = Decision::reply(None).changes(told);
                if after == *before {
                    return Ok(decision);
                }
                Ok(decision
                    .guards([meeting.guard(), presence.guard(), attendee.guard()])
                    .changes(self.present(&facts.id, after)))
            })
            .await?;
        if let Some(node) = gone {
            self.chime.media().remove(meeting, &node, attendee).await;
        }
        Ok(())
    }

    /// Forgets the connections of a node that has none: it starts, or it is known to have died. Gives how many
    /// meetings live there.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn reset(&self, node: &str) -> Result<usize, ServiceError> {
        let meetings = self.on(node).await?;
        for id in &meetings {
            self.forget_connections(id).await?;
        }
        Ok(meetings.len())
    }

    /// Whether the media of a meeting are on a node. Those of a replica are where its primary meeting lives, which moves
    /// first.
    async fn has_media_on(&self, meeting: &Meeting, node: &str) -> Result<bool, ServiceError> {
        if meeting.node == node {
            return Ok(true);
        }
        let Some(primary) = &meeting.primary else { return Ok(false) };
        Ok(self.load(primary).await?.get().is_some_and(|primary| primary.node == node))
    }

    /// Gives the meetings of a node that is gone a place on others, without the connections that they had. Those for
    /// which there is no room stay where they are. Gives how many moved.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn move_from(&self, node: &str) -> Result<usize, ServiceError> {
        let (mut moved, mut replicas) = (0, Vec::new());
        for id in self.on(node).await? {
            self.forget_connections(&id).await?;
            let found = self.load(&id).await?;
            let Some(meeting) = found.get().filter(|meeting| meeting.node == node) else { continue };
            match &meeting.primary {
                Some(primary) => replicas.push((found.clone(), primary.clone())),
                None => moved += usize::from(self.move_one(&found, meeting, None).await?),
            }
        }
        // They follow the meetings whose media they get.
        for (found, primary) in replicas {
            let primary = self.load(&primary).await?;
            if let Some(meeting) = found.get() {
                moved += usize::from(self.move_one(&found, meeting, primary.get()).await?);
            }
        }
        Ok(moved)
    }

    async fn move_one(
        &self,
        found: &Loaded<Meeting>,
        meeting: &Meeting,
        primary: Option<&Meeting>,
    ) -> Result<bool, ServiceError> {
        let Ok(placed) = self.place(&meeting.id, &meeting.media_region, primary).await else {
            return Ok(false);
        };
        if placed.node == meeting.node {
            return Ok(false);
        }
        let meeting = Meeting { node: placed.node, placement: placed.urls, ..meeting.clone() };
        let change = Change::Put(found.key().clone(), Record::of(meeting));
        match self.chime.commit(Decision::reply(()).guard(found.guard()).change(change)).await {
            Ok(_) => Ok(true),
            // It ended, or another moved it.
            Err(ServiceError::Store(StoreError::Conflict)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The meetings that live on a node.
    async fn on(&self, node: &str) -> Result<BTreeSet<MeetingId>, ServiceError> {
        Ok(self.by_node().await?.remove(node).unwrap_or_default())
    }

    async fn forget_connections(&self, id: &MeetingId) -> Result<(), ServiceError> {
        loop {
            let presence = load::<Presence>(self.chime.store(), keys::presence(id)).await?;
            let Some(presence) = presence.get() else { return Ok(()) };
            let of = |ids: &BTreeSet<String>| ids.first().and_then(|id| AttendeeId::new(id).ok());
            let report = match (of(&presence.content), of(&presence.attendees)) {
                (Some(attendee), _) => MediaReport::Dropped { attendee, content: true },
                (None, Some(attendee)) => MediaReport::Dropped { attendee, content: false },
                (None, None) => return Ok(()),
            };
            self.take(id, None, report).await?;
        }
    }

    /// What keeps a changed presence, and has it looked at in time. The task at `watch` stays as long as it comes early
    /// enough: it looks, and goes on to the next moment.
    pub(super) fn present(&self, id: &MeetingId, mut presence: Presence) -> Vec<Change> {
        auto_end::settle(&mut presence, self.chime.now());
        let due = auto_end::due(&presence);
        let mut changes = Vec::new();
        if due < presence.watch {
            changes.push(Change::Delete(watch(id, presence.watch).key()));
            changes.push(watch(id, due).schedule());
            presence.watch = due;
        }
        changes.push(Change::Put(keys::presence(id), Record::of(presence)));
        changes
    }
}

/// The look at whether a meeting has to end.
pub(super) fn watch(id: &MeetingId, at: Timestamp) -> Task {
    Task::new(TaskKind::EndMeeting, at, [id.to_string()])
}

/// Looks whether a meeting has to end, and ends it or says when to look again.
pub(super) async fn look(meetings: &Meetings<'_>, id: &MeetingId) -> Result<(), ServiceError> {
    loop {
        let keys = [keys::meeting(id), keys::presence(id)];
        let found = meetings.chime.store().get(&keys).await?;
        let [(a, at_a), (b, at_b)] = decoded(keys, found);
        let meeting = Loaded::<Meeting>::decode(a, at_a)?;
        let presence = Loaded::<Presence>::decode(b, at_b)?;
        let (Some(facts), Some(before)) = (meeting.get(), presence.get()) else { return Ok(()) };
        let (now, due) = (meetings.chime.now(), auto_end::due(before));
        let decision = if due <= now {
            meetings.ending(&meeting, facts, before).guard(presence.guard())
        } else if before.watch > now {
            // Another look is on the list: this one is left over.
            return Ok(());
        } else {
            let after = Presence { watch: due, ..before.clone() };
            Decision::reply(())
                .guards([meeting.guard(), presence.guard()])
                .change(watch(id, due).schedule())
                .change(Change::Put(presence.key().clone(), Record::of(after)))
        };
        match meetings.chime.commit(decision).await {
            Err(ServiceError::Store(StoreError::Conflict)) => {}
            done => return done.map(drop),
        }
    }
}
