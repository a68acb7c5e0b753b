//! Whether a media service has what the rules say: what it was told may have been lost on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::keys;
use super::service::Meetings;
use super::types::{Attendee, Meeting};
use crate::error::{ServiceError, StoreError};
use crate::ids::{AttendeeId, MeetingId};
use crate::ports::{Capabilities, Entity, Key, Scan};

/// Records that are read at a time.
const CHUNK: usize = 200;

/// Whom a media service has in its meetings, replicas among them, and what they may do there.
pub type Residents = BTreeMap<MeetingId, BTreeMap<AttendeeId, Capabilities>>;

/// Something that a media service has missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// The meeting has ended.
    Ended(MeetingId),
    /// The meeting lives on another node.
    Moved(MeetingId),
    /// The attendee was deleted.
    Removed(MeetingId, AttendeeId),
    /// The attendee may do this.
    Allowed(MeetingId, AttendeeId, Capabilities),
}

impl Meetings<'_> {
    /// What the media of `node`, which has these residents, were not told, or have not taken to heart. A replica's home is
    /// that of its primary meeting, and goes with it.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn review(&self, node: &str, residents: &Residents) -> Result<Vec<Correction>, ServiceError> {
        let mut corrections = Vec::new();
        let ids: Vec<&MeetingId> = residents.keys().collect();
        let meetings = self.read::<Meeting>(ids.iter().map(|id| keys::meeting(id)).collect()).await?;
        let mut attendees = Vec::new();
        for (id, meeting) in ids.into_iter().zip(meetings) {
            match meeting {
                None => corrections.push(Correction::Ended(id.clone())),
                Some(meeting) if meeting.node != node && meeting.primary.is_none() => {
                    corrections.push(Correction::Moved(id.clone()));
                }
                Some(_) => {
                    attendees.extend(residents.get(id).into_iter().flatten().map(|(who, may)| (id, who, may)))
                }
            }
        }
        let keys = attendees.iter().map(|(id, who, _)| keys::attendee(id, who)).collect();
        let found = self.read::<Attendee>(keys).await?;
        for ((id, who, may), attendee) in attendees.into_iter().zip(found) {
            match attendee.map(|attendee| attendee.capabilities) {
                None => corrections.push(Correction::Removed(id.clone(), who.clone())),
                Some(now) if now != *may => {
                    corrections.push(Correction::Allowed(id.clone(), who.clone(), now));
                }
                Some(_) => {}
            }
        }
        Ok(corrections)
    }

    /// The meetings of each node.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn by_node(&self) -> Result<BTreeMap<String, BTreeSet<MeetingId>>, ServiceError> {
        let (mut after, mut met) = (None, BTreeMap::<String, BTreeSet<MeetingId>>::new());
        loop {
            let scan = Scan::below(&keys::meetings(), CHUNK).after(after);
            let found = self.chime.store().scan(scan).await?;
            let last = found.len() < CHUNK;
            after = found.last().map(|(key, _)| key.clone());
            for (_, record) in found {
                let meeting = record.record.read::<Meeting>()?;
                met.entry(meeting.node.clone()).or_default().insert(meeting.id.clone());
            }
            if last {
                return Ok(met);
            }
        }
    }

    async fn read<E: Entity + Clone>(&self, keys: Vec<Key>) -> Result<Vec<Option<E>>, StoreError> {
        let mut read = Vec::new();
        for keys in keys.chunks(CHUNK) {
            for found in self.chime.store().get(keys).await? {
                let of = |found: crate::ports::Versioned| found.record.read::<E>();
                read.push(found.map(of).transpose()?.map(|entity| E::clone(&entity)));
            }
        }
        Ok(read)
    }
}
