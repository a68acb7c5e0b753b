//! Coming into a sub-channel and leaving it.

use super::types::{Elastic, ElasticChannelConfiguration, SubChannel};
use crate::arn::ChannelArn;
use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Loaded, Task, TaskKind, hex, load};
use crate::ids::SubChannelId;
use crate::messaging::events::ChannelEvent;
use crate::messaging::keys;
use crate::messaging::types::{Link, Membership};
use crate::ports::{Announce, Change, Guard, Record, Scan};
use crate::time::Timestamp;

/// How long after a leaving it is looked whether sub-channels are to be joined.
const SETTLE_MS: i64 = 10_000;

/// A place for one more member.
#[derive(Clone, Debug)]
pub(in crate::messaging) struct Seat {
    /// The sub-channel.
    pub(in crate::messaging) id: SubChannelId,
    /// What must still be so.
    pub(in crate::messaging) guards: Vec<Guard>,
    /// What comes with taking it: the sub-channel itself when it is new.
    pub(in crate::messaging) changes: Vec<Change>,
    /// What is announced with it.
    pub(in crate::messaging) announce: Vec<Announce>,
}

impl Chime {
    /// A place in a sub-channel other than `not_in`.
    pub(in crate::messaging) async fn seat(
        &self,
        channel: &ChannelArn,
        elastic: &ElasticChannelConfiguration,
        not_in: Option<&SubChannelId>,
    ) -> Result<Seat, ServiceError> {
        let state = load::<Elastic>(self.store(), keys::elastic(channel)).await?;
        if let Some(open) = state.get().map(|state| &state.open).filter(|open| Some(*open) != not_in)
            && let Some(seat) = self.seat_in(channel, elastic, open).await?
        {
            return Ok(seat);
        }
        // The one that was being filled is full. Where somebody left there is room again.
        for found in self.sub_channels(channel).await? {
            let Some(sub) = found.get().filter(|sub| Some(&sub.id) != not_in) else { continue };
            if let Some(mut seat) = self.seat_in(channel, elastic, &sub.id).await? {
                seat.guards.push(state.guard());
                seat.changes
                    .push(Change::Put(state.key().clone(), Record::of(Elastic { open: sub.id.clone() })));
                return Ok(seat);
            }
        }
        let mut bytes = [0; 16];
        self.entropy().fill(&mut bytes);
        let id = SubChannelId::new(hex(&bytes)).map_err(|error| error.of("SubChannelId"))?;
        let sub = SubChannel { id: id.clone(), created: self.now(), closing: false };
        let key = keys::sub_channel(channel, &id);
        let at_most = Some(u64::from(elastic.maximum_sub_channels));
        Ok(Seat {
            guards: vec![state.guard(), Guard { key: key.clone(), revision: None }],
            changes: vec![
                Change::Count { counter: keys::sub_channels_count(channel), by: 1, at_most },
                Change::Put(key, Record::of(sub)),
                Change::Put(state.key().clone(), Record::of(Elastic { open: id.clone() })),
            ],
            announce: vec![ChannelEvent::SubChannelCreated(channel.clone(), id.clone()).announce()],
            id,
        })
    }

    /// A place in this sub-channel for a moderator, who does not fill it, if it is not closing.
    pub(in crate::messaging) async fn seat_beside(
        &self,
        channel: &ChannelArn,
        id: &SubChannelId,
    ) -> Result<Option<Seat>, ServiceError> {
        let sub = load::<SubChannel>(self.store(), keys::sub_channel(channel, id)).await?;
        let open = sub.get().is_some_and(|sub| !sub.closing);
        Ok(open.then(|| Seat {
            id: id.clone(),
            guards: vec![sub.guard()],
            changes: Vec::new(),
            announce: Vec::new(),
        }))
    }

    /// A place in this sub-channel, if it is not closing and has one.
    async fn seat_in(
        &self,
        channel: &ChannelArn,
        elastic: &ElasticChannelConfiguration,
        id: &SubChannelId,
    ) -> Result<Option<Seat>, ServiceError> {
        let Some(seat) = self.seat_beside(channel, id).await? else { return Ok(None) };
        let full = self.members_in(channel, id).await? >= u64::from(elastic.target_memberships);
        Ok((!full).then_some(seat))
    }

    pub(in crate::messaging) async fn members_in(
        &self,
        channel: &ChannelArn,
        id: &SubChannelId,
    ) -> Result<u64, ServiceError> {
        Ok(self.store().count(&keys::sub_channel_count(channel, id)).await?)
    }

    /// The sub-channels of a channel.
    pub(crate) async fn sub_channels(
        &self,
        channel: &ChannelArn,
    ) -> Result<Vec<Loaded<SubChannel>>, ServiceError> {
        const CHUNK: usize = 256;
        let (parent, mut all, mut after) = (keys::sub_channels(channel), Vec::new(), None);
        loop {
            let found = self.store().scan(Scan::below(&parent, CHUNK).after(after.take())).await?;
            let full = found.len() == CHUNK;
            after = found.last().map(|(key, _)| key.clone());
            for (key, record) in found {
                all.push(Loaded::<SubChannel>::decode(key, Some(record))?);
            }
            if !full {
                return Ok(all);
            }
        }
    }
}

/// Takes a place of a membership in a sub-channel.
pub(in crate::messaging) fn take_seat(
    membership: &Membership,
    elastic: &ElasticChannelConfiguration,
    id: &SubChannelId,
) -> Vec<Change> {
    let at_most = Some(u64::from(elastic.target_memberships));
    let index = keys::sub_channel_member(&membership.channel, id, &membership.member.arn);
    let mut changes = vec![Change::Put(index, Record::of(Link))];
    changes.extend(counted(membership, id, 1, at_most));
    changes
}

/// How a membership that comes or goes moves the count of a sub-channel.
fn counted(membership: &Membership, id: &SubChannelId, by: i64, at_most: Option<u64>) -> Option<Change> {
    let counter = keys::sub_channel_count(&membership.channel, id);
    (!membership.uncounted).then_some(Change::Count { counter, by, at_most })
}

/// Gives up the places of a membership, and has it looked after what that leaves.
pub(in crate::messaging) fn leave_seats(
    membership: &Membership,
    of: &[SubChannelId],
    now: Timestamp,
) -> Vec<Change> {
    let (channel, user) = (&membership.channel, &membership.member.arn);
    let mut changes = Vec::new();
    for id in of {
        changes.extend(counted(membership, id, -1, None));
        changes.push(Change::Delete(keys::sub_channel_member(channel, id, user)));
    }
    if !of.is_empty() {
        // Rounded, so that many who leave at once are one task.
        let due = Timestamp::from_millis((now.millis() / SETTLE_MS + 1) * SETTLE_MS);
        changes.push(Task::new(TaskKind::BalanceElastic, due, [channel.to_string()]).schedule());
    }
    changes
}

/// The refusal of a `SubChannelId` that may not be given, or has to be.
pub(in crate::messaging) fn bad(message: &'static str) -> Refusal {
    Refusal::bad_request("D-08", message)
}
