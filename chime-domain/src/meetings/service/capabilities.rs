//! What attendees may do.

use std::collections::BTreeSet;

use super::Meetings;
use super::attendees::no_attendee;
use crate::error::ServiceError;
use crate::flow::Decision;
use crate::ids::{AttendeeId, MeetingId};
use crate::meetings::keys;
use crate::meetings::rules::features;
use crate::meetings::types::Attendee;
use crate::ports::{Capabilities, Change, Guard, Record, Scan};

/// Attendees that are changed in one commit.
const CHUNK: usize = 100;

impl Meetings<'_> {
    /// `UpdateAttendeeCapabilities`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting or the attendee; a bad request when the capabilities do not fit the meeting.
    pub async fn update_attendee_capabilities(
        &self,
        meeting: &MeetingId,
        id: &AttendeeId,
        capabilities: Capabilities,
    ) -> Result<Attendee, ServiceError> {
        let (node, attendee) = self
            .chime
            .transact(|_| async {
                let (living, facts) = self.living(meeting).await?;
                features::capabilities(&facts.features.unwrap_or_default(), &capabilities)?;
                let found = self.attendee(meeting, id).await?;
                let mut attendee = found.get().cloned().ok_or_else(no_attendee)?;
                attendee.capabilities = capabilities;
                let attendee = self.with_token(meeting, attendee);
                Ok(Decision::reply((facts.node, attendee.clone()))
                    .guards([living.guard(), found.guard()])
                    .change(Change::Put(found.key().clone(), Record::of(attendee))))
            })
            .await?;
        self.chime.media().capabilities(meeting, &node, id, capabilities).await;
        Ok(attendee)
    }

    /// `BatchUpdateAttendeeCapabilitiesExcept`: of all attendees but these. Who is left out need not exist.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; a bad request when the capabilities do not fit the meeting.
    pub async fn batch_update_attendee_capabilities_except(
        &self,
        meeting: &MeetingId,
        except: &BTreeSet<AttendeeId>,
        capabilities: Capabilities,
    ) -> Result<(), ServiceError> {
        let mut after = None;
        loop {
            let from = &after;
            let (node, last, changed) = self
                .chime
                .transact(|_| async move {
                    let (living, facts) = self.living(meeting).await?;
                    features::capabilities(&facts.features.unwrap_or_default(), &capabilities)?;
                    let scan = Scan::below(&keys::attendees(meeting), CHUNK).after(from.clone());
                    let found = self.chime.store().scan(scan).await?;
                    let last = found.last().filter(|_| found.len() == CHUNK).map(|(key, _)| key.clone());
                    let (mut guards, mut changes, mut changed) = (Vec::new(), Vec::new(), Vec::new());
                    for (key, record) in found {
                        let attendee = record.record.read::<Attendee>()?;
                        if except.contains(&attendee.id) || attendee.capabilities == capabilities {
                            continue;
                        }
                        changed.push(attendee.id.clone());
                        guards.push(Guard { key: key.clone(), revision: Some(record.revision) });
                        let attendee = Attendee { capabilities, ..Attendee::clone(&attendee) };
                        changes.push(Change::Put(key, Record::of(attendee)));
                    }
                    let decision = Decision::reply((facts.node, last, changed));
                    if changes.is_empty() {
                        return Ok(decision);
                    }
                    Ok(decision.guard(living.guard()).guards(guards).changes(changes))
                })
                .await?;
            for id in changed {
                self.chime.media().capabilities(meeting, &node, &id, capabilities).await;
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }
}
