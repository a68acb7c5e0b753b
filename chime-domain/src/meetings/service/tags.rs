//! The tags of meetings and attendees.

use super::Meetings;
use super::attendees::no_attendee;
use crate::error::{ErrorCode, Refusal, ServiceError};
use crate::flow::Decision;
use crate::identity::{Tag, Tags};
use crate::ids::{AttendeeId, MeetingId};
use crate::limits::Limits;
use crate::ports::{Change, Record};
use crate::text::TagKey;

/// A change of tags.
#[derive(Debug)]
enum Retag<'a> {
    Add(&'a [Tag]),
    Remove(&'a [TagKey]),
}

impl Retag<'_> {
    fn of(&self, tags: &[Tag], limits: &Limits) -> Result<Vec<Tag>, Refusal> {
        match self {
            Self::Add(added) => {
                let too_many = |refusal: Refusal| {
                    Refusal::new(ErrorCode::TooManyTags, refusal.rule(), refusal.message().to_owned())
                        .unless("remove tags first.")
                };
                Ok(Tags(tags.to_vec()).with(added, limits).map_err(too_many)?.0)
            }
            Self::Remove(keys) => Ok(tags.iter().filter(|tag| !keys.contains(&tag.key)).cloned().collect()),
        }
    }
}

impl Meetings<'_> {
    /// Adds tags to a meeting: `TagMeeting`, `TagResource`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; too many tags.
    pub async fn tag_meeting(&self, id: &MeetingId, tags: &[Tag]) -> Result<(), ServiceError> {
        self.retag_meeting(id, &Retag::Add(tags)).await
    }

    /// Removes tags of a meeting; keys that are not there are passed over.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting.
    pub async fn untag_meeting(&self, id: &MeetingId, keys: &[TagKey]) -> Result<(), ServiceError> {
        self.retag_meeting(id, &Retag::Remove(keys)).await
    }

    async fn retag_meeting(&self, id: &MeetingId, change: &Retag<'_>) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let (found, mut meeting) = self.living(id).await?;
                meeting.tags = change.of(&meeting.tags, &self.chime.settings().limits)?;
                Ok(Decision::reply(())
                    .guard(found.guard())
                    .change(Change::Put(found.key().clone(), Record::of(meeting))))
            })
            .await
    }

    /// Adds tags to an attendee: `TagAttendee`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting or the attendee; too many tags.
    pub async fn tag_attendee(
        &self,
        meeting: &MeetingId,
        id: &AttendeeId,
        tags: &[Tag],
    ) -> Result<(), ServiceError> {
        self.retag_attendee(meeting, id, &Retag::Add(tags)).await
    }

    /// Removes tags of an attendee; keys that are not there are passed over.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting or the attendee.
    pub async fn untag_attendee(
        &self,
        meeting: &MeetingId,
        id: &AttendeeId,
        keys: &[TagKey],
    ) -> Result<(), ServiceError> {
        self.retag_attendee(meeting, id, &Retag::Remove(keys)).await
    }

    async fn retag_attendee(
        &self,
        meeting: &MeetingId,
        id: &AttendeeId,
        change: &Retag<'_>,
    ) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let (living, _) = self.living(meeting).await?;
                let found = self.attendee(meeting, id).await?;
                let mut attendee = found.get().cloned().ok_or_else(no_attendee)?;
                attendee.tags = change.of(&attendee.tags, &self.chime.settings().limits)?;
                Ok(Decision::reply(())
                    .guards([living.guard(), found.guard()])
                    .change(Change::Put(found.key().clone(), Record::of(attendee))))
            })
            .await
    }
}
