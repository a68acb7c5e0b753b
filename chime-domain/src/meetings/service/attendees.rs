//! Who may attend.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Meetings, decoded};
use crate::error::{ErrorCode, Refusal, ServiceError};
use crate::flow::{Decision, Loaded, load};
use crate::identity::Tags;
use crate::ids::{AttendeeId, MeetingId};
use crate::limits::Quota;
use crate::meetings::events::MeetingEventType::{AttendeeAdded, AttendeeDeleted, AttendeeLeft};
use crate::meetings::report::Presence;
use crate::meetings::rules::features;
use crate::meetings::types::{Attendee, CreateAttendee, Meeting};
use crate::meetings::{keys, token};
use crate::page::{Page, PageRequest};
use crate::ports::{Change, Entity, Guard, Key, Record, Versioned};

/// Which attendee an external user is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AttendeeUser {
    attendee: AttendeeId,
}

impl Entity for AttendeeUser {
    const NAME: &'static str = "attendee-user";
}

pub(super) fn no_attendee() -> Refusal {
    Refusal::not_found("MTG-19", "The meeting has no such attendee.")
}

fn full(most: u64) -> Refusal {
    Refusal::new(
        ErrorCode::ResourceLimitExceeded,
        "QTA-08",
        format!("The meeting has {most} attendees, and no more may be added."),
    )
    .unless("delete attendees first.")
}

/// What a batch comes to.
struct Batch {
    outcomes: Vec<Result<Attendee, Refusal>>,
    guards: Vec<Guard>,
    changes: Vec<Change>,
}

impl Meetings<'_> {
    /// `CreateAttendee`: the attendee of the external user, made now if there is none (rule MTG-16, wire rule T-05).
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; a bad request when the capabilities do not fit the meeting; the quota's refusal.
    pub async fn create_attendee(
        &self,
        meeting: &MeetingId,
        command: CreateAttendee,
    ) -> Result<Attendee, ServiceError> {
        let mut outcomes = self.batch_create_attendee(meeting, vec![command]).await?;
        Ok(outcomes.pop().unwrap_or_else(|| Err(no_attendee()))?)
    }

    /// `BatchCreateAttendee`: an outcome for each, in their order (rule MTG-18). What can be refused one by one is that
    /// the meeting is full (rule QTA-08).
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; a bad request when the capabilities of one do not fit the meeting.
    pub async fn batch_create_attendee(
        &self,
        meeting: &MeetingId,
        commands: Vec<CreateAttendee>,
    ) -> Result<Vec<Result<Attendee, Refusal>>, ServiceError> {
        let commands = &commands;
        self.chime
            .transact(|_| async move {
                let (found, facts) = self.living(meeting).await?;
                let offered = facts.features.unwrap_or_default();
                for wanted in commands.iter().filter_map(|command| command.capabilities) {
                    features::capabilities(&offered, &wanted)?;
                }
                let Batch { outcomes, guards, changes } = self.decide(&facts, commands).await?;
                let decision = Decision::reply(outcomes).guards(guards);
                if changes.is_empty() {
                    return Ok(decision);
                }
                Ok(decision.guard(found.guard()).changes(changes))
            })
            .await
    }

    async fn decide(&self, meeting: &Meeting, commands: &[CreateAttendee]) -> Result<Batch, ServiceError> {
        let most = self.most_attendees(meeting);
        let counter = keys::attendee_count(&meeting.id);
        let room = most.saturating_sub(self.chime.store().count(&counter).await?);
        let known = self.known(meeting, commands).await?;
        let mut made: BTreeMap<&str, Attendee> = BTreeMap::new();
        let mut batch = Batch { outcomes: Vec::new(), guards: Vec::new(), changes: Vec::new() };
        for (command, (index, attendee)) in commands.iter().zip(known) {
            let user = command.external_user_id.as_str();
            if let Some(attendee) = attendee.or_else(|| made.get(user).cloned()) {
                batch.outcomes.push(Ok(attendee));
                continue;
            }
            if made.len() as u64 >= room {
                batch.outcomes.push(Err(full(most)));
                continue;
            }
            let attendee = self.made(meeting, command)?;
            let of_user = AttendeeUser { attendee: attendee.id.clone() };
            batch.guards.push(index.guard());
            batch.changes.push(Change::Put(index.key().clone(), Record::of(of_user)));
            batch
                .changes
                .push(Change::Put(keys::attendee(&meeting.id, &attendee.id), Record::of(attendee.clone())));
            batch.changes.extend(self.tell(meeting, AttendeeAdded, Some(&attendee)));
            batch.outcomes.push(Ok(attendee.clone()));
            made.insert(user, attendee);
        }
        if !made.is_empty() {
            let by = i64::try_from(made.len()).unwrap_or(i64::MAX);
            batch.changes.push(Change::Count { counter, by, at_most: Some(most) });
        }
        Ok(batch)
    }

    /// The attendee that each external user is already.
    async fn known(
        &self,
        meeting: &Meeting,
        commands: &[CreateAttendee],
    ) -> Result<Vec<(Loaded<AttendeeUser>, Option<Attendee>)>, ServiceError> {
        let key = |command: &CreateAttendee| keys::attendee_user(&meeting.id, &command.external_user_id);
        let keys: Vec<_> = commands.iter().map(key).collect();
        let found = self.chime.store().get(&keys).await?;
        let mut known = Vec::new();
        for (key, found) in keys.into_iter().zip(found) {
            let index = Loaded::<AttendeeUser>::decode(key, found)?;
            let attendee = match index.get() {
                Some(AttendeeUser { attendee }) => self.attendee(&meeting.id, attendee).await?.shared(),
                None => None,
            };
            let attendee = attendee.map(|attendee| self.with_token(&meeting.id, Attendee::clone(&attendee)));
            known.push((index, attendee));
        }
        Ok(known)
    }

    fn made(&self, meeting: &Meeting, command: &CreateAttendee) -> Result<Attendee, ServiceError> {
        let id = AttendeeId::new(self.chime.entropy().uuid()).map_err(|error| error.of("AttendeeId"))?;
        let offered = meeting.features.unwrap_or_default();
        let tags = Tags::default().with(&command.tags, &self.chime.settings().limits)?;
        let attendee = Attendee {
            id,
            external_user_id: command.external_user_id.clone(),
            capabilities: command.capabilities.unwrap_or_else(|| features::default_capabilities(&offered)),
            tags: tags.0,
            join_token: Default::default(),
        };
        Ok(self.with_token(&meeting.id, attendee))
    }

    /// `GetAttendee`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting or the attendee.
    pub async fn get_attendee(&self, meeting: &MeetingId, id: &AttendeeId) -> Result<Attendee, ServiceError> {
        self.living(meeting).await?;
        let found = self.attendee(meeting, id).await?;
        let attendee = found.get().cloned().ok_or_else(no_attendee)?;
        Ok(self.with_token(meeting, attendee))
    }

    /// `ListAttendees`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; a bad request when the page is not valid.
    pub async fn list_attendees(
        &self,
        meeting: &MeetingId,
        page: &PageRequest,
    ) -> Result<Page<Attendee>, ServiceError> {
        self.living(meeting).await?;
        let pick = |_: &Key, found: &Versioned| {
            let attendee = found.record.read::<Attendee>()?;
            Ok(Some(self.with_token(meeting, Attendee::clone(&attendee))))
        };
        self.chime.page(&["ListAttendees", meeting.as_str()], &keys::attendees(meeting), page, pick).await
    }

    /// `DeleteAttendee`: its token is dead, and it is disconnected (rule MTG-21).
    ///
    /// # Errors
    ///
    /// NotFound without the meeting or the attendee.
    pub async fn delete_attendee(&self, meeting: &MeetingId, id: &AttendeeId) -> Result<(), ServiceError> {
        let node = self
            .chime
            .transact(|_| async {
                let keys = [keys::meeting(meeting), keys::attendee(meeting, id), keys::presence(meeting)];
                let found = self.chime.store().get(&keys).await?;
                let [(a, at_a), (b, at_b), (c, at_c)] = decoded(keys, found);
                let meeting = Loaded::<Meeting>::decode(a, at_a)?;
                let attendee = Loaded::<Attendee>::decode(b, at_b)?;
                let presence = Loaded::<Presence>::decode(c, at_c)?;
                let facts = meeting.get().ok_or_else(super::no_meeting)?;
                let gone = attendee.get().ok_or_else(no_attendee)?;
                let mut decision = Decision::reply(facts.node.clone())
                    .guards([meeting.guard(), attendee.guard()])
                    .change(Change::Delete(attendee.key().clone()))
                    .change(Change::Delete(keys::attendee_user(&facts.id, &gone.external_user_id)))
                    .change(Change::Count { counter: keys::attendee_count(&facts.id), by: -1, at_most: None })
                    .changes(self.tell(facts, AttendeeDeleted, Some(gone)));
                if let Some(before) = presence.get() {
                    let mut after = before.clone();
                    let was_there = after.attendees.remove(id.as_str());
                    for set in [&mut after.content, &mut after.video, &mut after.content_video] {
                        set.remove(id.as_str());
                    }
                    if after != *before {
                        decision = decision.guard(presence.guard()).changes(self.present(&facts.id, after));
                    }
                    if was_there {
                        decision = decision.changes(self.tell(facts, AttendeeLeft, Some(gone)));
                    }
                }
                Ok(decision)
            })
            .await?;
        self.chime.media().remove(meeting, &node, id).await;
        Ok(())
    }

    pub(super) async fn attendee(
        &self,
        meeting: &MeetingId,
        id: &AttendeeId,
    ) -> Result<Loaded<Attendee>, ServiceError> {
        Ok(load(self.chime.store(), keys::attendee(meeting, id)).await?)
    }

    pub(super) fn with_token(&self, meeting: &MeetingId, attendee: Attendee) -> Attendee {
        Attendee { join_token: token::of(self.chime, meeting, &attendee.id), ..attendee }
    }

    /// How many attendees a meeting may have.
    pub(in crate::meetings) fn most_attendees(&self, meeting: &Meeting) -> u64 {
        let quota = self.chime.settings().limits.get(Quota::AttendeesPerMeeting);
        let own = meeting.features.and_then(|features| features.max_attendees);
        own.map_or(quota, |own| quota.min(own.into()))
    }
}
