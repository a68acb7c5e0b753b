//! The beginning and the end of meetings.

use super::{Meetings, decoded};
use crate::error::{Refusal, ServiceError};
use crate::flow::{Decision, Loaded, Task, TaskKind, load};
use crate::identity::Tags;
use crate::ids::{MediaRegion, MeetingId};
use crate::limits::{Limits, QUOTAS, Quota};
use crate::meetings::events::MeetingEventType::{MeetingEnded, MeetingStarted};
use crate::meetings::keys;
use crate::meetings::report::{Presence, watch};
use crate::meetings::rules::features;
use crate::meetings::types::{Attendee, CreateAttendee, CreateMeeting, Meeting};
use crate::page::{Page, PageRequest};
use crate::ports::{Change, Entity, Key, MediaError, Placement, Record, Versioned};

use serde::{Deserialize, Serialize};

/// The meeting that a client request token made.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct MeetingToken {
    meeting: MeetingId,
}

impl Entity for MeetingToken {
    const NAME: &'static str = "meeting-token";
}

/// Counts a meeting that begins, or ends, against its quotas: those of the account, and those of its primary meeting.
fn count(primary: Option<&MeetingId>, begins: Option<&Limits>) -> Vec<Change> {
    let each = |quota: Quota, of: Option<&MeetingId>| {
        let name = QUOTAS.iter().find(|row| row.quota == quota).map_or("", |row| row.name);
        let parts: Vec<&str> = [Some(name), of.map(MeetingId::as_str)].into_iter().flatten().collect();
        let by = if begins.is_some() { 1 } else { -1 };
        let at_most = begins.map(|limits| limits.get(quota));
        Change::Count { counter: Key::new("count", &parts), by, at_most }
    };
    let of_primary = primary.map(|primary| each(Quota::ReplicasPerPrimaryMeeting, Some(primary)));
    [Some(each(Quota::ActiveMeetings, None)), of_primary].into_iter().flatten().collect()
}

impl Meetings<'_> {
    /// `CreateMeeting`: the meeting of the client request token, made now if there is none (rules MTG-06, MTG-07).
    ///
    /// # Errors
    ///
    /// A bad request when the features do not fit together, or the primary meeting is none; the quotas' refusal;
    /// [`ServiceError::Unavailable`] when no media service has room.
    pub async fn create_meeting(&self, command: &CreateMeeting) -> Result<Meeting, ServiceError> {
        if let Some(wanted) = &command.features {
            features::features(wanted)?;
        }
        let tags = Tags::default().with(&command.tags, &self.chime.settings().limits)?;
        let (command, tags) = (command, &tags);
        self.chime
            .transact(|_| async move {
                let token =
                    load::<MeetingToken>(self.chime.store(), keys::token(&command.client_request_token));
                let token = token.await?;
                if let Some(MeetingToken { meeting }) = token.get()
                    && let Some(meeting) = self.load(meeting).await?.get()
                {
                    return Ok(Decision::reply(meeting.clone()));
                }
                let primary = match &command.primary {
                    Some(primary) => Some(self.primary(primary).await?),
                    None => None,
                };
                let among = primary.as_ref().and_then(|primary| primary.get());
                let meeting = self.placed(command, tags, token.key(), among).await?;
                let presence = Presence::begin(meeting.created);
                let token_of = MeetingToken { meeting: meeting.id.clone() };
                Ok(Decision::reply(meeting.clone())
                    .guard(token.guard())
                    .guards(primary.map(|primary| primary.guard()))
                    .changes(count(meeting.primary.as_ref(), Some(&self.chime.settings().limits)))
                    .change(Change::Put(token.key().clone(), Record::of(token_of)))
                    .change(watch(&meeting.id, presence.watch).schedule())
                    .change(Change::Put(keys::presence(&meeting.id), Record::of(presence)))
                    .changes(self.tell(&meeting, MeetingStarted, None))
                    .change(Change::Put(keys::meeting(&meeting.id), Record::of(meeting))))
            })
            .await
    }

    async fn placed(
        &self,
        command: &CreateMeeting,
        tags: &Tags,
        token: &Key,
        primary: Option<&Meeting>,
    ) -> Result<Meeting, ServiceError> {
        let id = MeetingId::new(self.chime.entropy().uuid()).map_err(|error| error.of("MeetingId"))?;
        let placement = self.place(&id, &command.media_region, primary).await;
        let placement = placement.map_err(|MediaError(source)| ServiceError::Unavailable {
            what: "the media service of the region",
            source,
        })?;
        let command = command.clone();
        Ok(Meeting {
            id,
            external_id: command.external_id,
            host_id: command.host_id,
            media_region: command.media_region,
            node: placement.node,
            placement: placement.urls,
            features: command.features,
            primary: command.primary,
            tenants: command.tenants,
            notifications: command.notifications,
            tags: tags.0.clone(),
            created: self.chime.now(),
            token: token.last().to_owned(),
        })
    }

    /// Where a meeting is to live: a replica, with the meeting whose media it gets.
    pub(in crate::meetings) async fn place(
        &self,
        id: &MeetingId,
        region: &MediaRegion,
        primary: Option<&Meeting>,
    ) -> Result<Placement, MediaError> {
        match primary {
            Some(primary) => Ok(Placement {
                node: primary.node.clone(),
                urls: primary.placement.of_another(&primary.id, id),
            }),
            None => self.chime.media().place(id, region.as_str()).await,
        }
    }

    async fn primary(&self, id: &MeetingId) -> Result<Loaded<Meeting>, ServiceError> {
        let found = self.load(id).await?;
        match found.get() {
            Some(Meeting { primary: None, .. }) => Ok(found),
            Some(_) => {
                Err(Refusal::bad_request("D-11", "PrimaryMeetingId names a meeting that is a replica.")
                    .into())
            }
            None => {
                Err(Refusal::bad_request("D-11", "PrimaryMeetingId names no meeting that takes place.")
                    .into())
            }
        }
    }

    /// `CreateMeetingWithAttendees`: the same meeting as `CreateMeeting`, and these attendees in it (wire rule T-04).
    ///
    /// # Errors
    ///
    /// As both have; whatever is wrong with an attendee is found before a meeting is made.
    pub async fn create_meeting_with_attendees(
        &self,
        command: &CreateMeeting,
        attendees: Vec<CreateAttendee>,
    ) -> Result<(Meeting, Vec<Result<Attendee, Refusal>>), ServiceError> {
        let offered = command.features.unwrap_or_default();
        for wanted in attendees.iter().filter_map(|attendee| attendee.capabilities) {
            features::capabilities(&offered, &wanted)?;
        }
        let meeting = self.create_meeting(command).await?;
        // Should the meeting end, or the server, in between, the caller asks again, and gets the rest.
        let attendees = self.batch_create_attendee(&meeting.id, attendees).await?;
        Ok((meeting, attendees))
    }

    /// `GetMeeting`.
    ///
    /// # Errors
    ///
    /// NotFound when there is none, or none any more.
    pub async fn get_meeting(&self, id: &MeetingId) -> Result<Meeting, ServiceError> {
        Ok(self.living(id).await?.1)
    }

    /// `ListMeetings`.
    ///
    /// # Errors
    ///
    /// A bad request when the page is not valid.
    pub async fn list_meetings(&self, page: &PageRequest) -> Result<Page<Meeting>, ServiceError> {
        let pick = |_: &Key, found: &Versioned| {
            found.record.read::<Meeting>().map(|meeting| Some(Meeting::clone(&meeting)))
        };
        self.chime.page(&["ListMeetings"], &keys::meetings(), page, pick).await
    }

    /// `DeleteMeeting`: over at once, with its attendees (rule MTG-20). Who is in it is disconnected a moment later.
    ///
    /// # Errors
    ///
    /// NotFound when there is none, or none any more.
    pub async fn delete_meeting(&self, id: &MeetingId) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let keys = [keys::meeting(id), keys::presence(id)];
                let found = self.chime.store().get(&keys).await?;
                let [(a, at_a), (b, at_b)] = decoded(keys, found);
                let meeting = Loaded::<Meeting>::decode(a, at_a)?;
                let presence = Loaded::<Presence>::decode(b, at_b)?;
                let facts = meeting.get().ok_or_else(super::no_meeting)?;
                let begun = || Presence::begin(facts.created);
                let presence = presence.get().cloned().unwrap_or_else(begun);
                Ok(self.ending(&meeting, facts, &presence))
            })
            .await
    }

    /// The end of a meeting, by whatever rule (rule END-07).
    pub(in crate::meetings) fn ending(
        &self,
        meeting: &Loaded<Meeting>,
        facts: &Meeting,
        presence: &Presence,
    ) -> Decision<()> {
        let subject = [facts.id.to_string(), facts.node.clone()];
        Decision::reply(())
            .guard(meeting.guard())
            .change(Change::Delete(meeting.key().clone()))
            .change(Change::Delete(keys::token_of(&facts.token)))
            .change(Change::Delete(keys::presence(&facts.id)))
            .change(Change::Delete(watch(&facts.id, presence.watch).key()))
            .changes(count(facts.primary.as_ref(), None))
            .change(Task::new(TaskKind::PurgeMeeting, self.chime.now(), subject).schedule())
            .changes(self.tell(facts, MeetingEnded, None))
    }
}
