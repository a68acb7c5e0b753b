//! Load, decide, commit.

mod attendees;
mod capabilities;
mod lives;
mod tags;
mod transcription;

use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Loaded, Task, load};
use crate::ids::MeetingId;
use crate::ports::{Change, Key, Scan, Versioned};

use super::types::Meeting;
use super::{keys, report};

/// The operations of the context.
///
/// They ask for no acting user: whoever calls them was allowed to by its policies.
#[derive(Clone, Copy, Debug)]
pub struct Meetings<'a> {
    pub(super) chime: &'a Chime,
}

impl Chime {
    /// Meetings and attendees.
    #[must_use]
    pub fn meetings(&self) -> Meetings<'_> {
        Meetings { chime: self }
    }
}

/// Keys with what was found at each.
pub(super) fn decoded<const N: usize>(
    keys: [Key; N],
    found: Vec<Option<Versioned>>,
) -> [(Key, Option<Versioned>); N] {
    let mut found = found.into_iter();
    keys.map(|key| (key, found.next().flatten()))
}

pub(super) fn no_meeting() -> Refusal {
    Refusal::not_found("MTG-19", "The meeting does not exist or has ended.")
}

impl Meetings<'_> {
    pub(super) async fn load(&self, id: &MeetingId) -> Result<Loaded<Meeting>, ServiceError> {
        Ok(load(self.chime.store(), keys::meeting(id)).await?)
    }

    pub(super) async fn living(&self, id: &MeetingId) -> Result<(Loaded<Meeting>, Meeting), ServiceError> {
        let found = self.load(id).await?;
        let meeting = found.get().cloned().ok_or_else(no_meeting)?;
        Ok((found, meeting))
    }
}

/// Ends the meeting of a task if its time has come.
pub(crate) async fn run_timers(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    if let Some(id) = task.subject.first().and_then(|id| MeetingId::new(id).ok()) {
        report::look(&chime.meetings(), &id).await?;
    }
    Ok(None)
}

/// Records that one commit removes.
const CHUNK: usize = 200;

/// Disconnects who is still in a meeting that ended, and removes its attendees. Its id is never used again, so that
/// nothing needs to be guarded.
pub(crate) async fn purge(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let [id, node] = task.subject.as_slice() else { return Ok(None) };
    let Ok(id) = MeetingId::new(id) else { return Ok(None) };
    chime.media().end(&id, node).await;
    for parent in [keys::attendees(&id), keys::attendee_users(&id)] {
        loop {
            let found = chime.store().scan(Scan::below(&parent, CHUNK)).await?;
            if found.is_empty() {
                break;
            }
            let changes = found.into_iter().map(|(key, _)| Change::Delete(key));
            chime.commit(crate::flow::Decision::reply(()).changes(changes)).await?;
        }
    }
    let none = Change::Count { counter: keys::attendee_count(&id), by: i64::MIN, at_most: None };
    chime.commit(crate::flow::Decision::reply(()).change(none)).await?;
    Ok(None)
}
