//! Joining sub-channels that have too few members with the others.

use super::seat::{leave_seats, take_seat};
use super::types::{Elastic, ElasticChannelConfiguration, SubChannel, SubLinks};
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Decision, Loaded, Task, load};
use crate::ids::{AppInstanceUserId, SubChannelId};
use crate::messaging::events::ChannelEvent;
use crate::messaging::keys::{self, Relation};
use crate::messaging::rules::leaving;
use crate::messaging::types::{Channel, Membership, Moderator};
use crate::ports::{Change, Record, Scan};
use crate::time::Timestamp;

const CHUNK: usize = 200;

/// Joins what can be joined, one sub-channel after the other.
pub(crate) async fn run(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| ChannelArn::parse(arn).ok()) else { return Ok(None) };
    loop {
        let channel = load::<Channel>(chime.store(), keys::channel(&arn)).await?;
        let Some(elastic) = channel.get().and_then(|channel| channel.elastic) else { return Ok(None) };
        let Some(closing) = next(chime, &arn, &elastic).await? else { return Ok(None) };
        empty(chime, &arn, &elastic, &closing).await?;
        remove(chime, &arn, &closing).await?;
    }
}

/// The next sub-channel to give up, closed to newcomers: one that was begun with, or the emptiest with too few members,
/// if the others have room for them.
async fn next(
    chime: &Chime,
    arn: &ChannelArn,
    elastic: &ElasticChannelConfiguration,
) -> Result<Option<SubChannelId>, ServiceError> {
    let mut counted = Vec::new();
    for sub in chime.sub_channels(arn).await? {
        let Some(value) = sub.get() else { continue };
        if value.closing {
            return Ok(Some(value.id.clone()));
        }
        let members = chime.members_in(arn, &value.id).await?;
        counted.push((members, sub));
    }
    let room: u64 = counted
        .iter()
        .map(|(members, _)| u64::from(elastic.target_memberships).saturating_sub(*members))
        .sum();
    let Some((members, sub)) = counted.iter().min_by_key(|(members, _)| *members) else { return Ok(None) };
    let own_room = u64::from(elastic.target_memberships).saturating_sub(*members);
    if counted.len() < 2 || *members >= elastic.least() || room - own_room < *members {
        return Ok(None);
    }
    let Some(value) = sub.get() else { return Ok(None) };
    let state = load::<Elastic>(chime.store(), keys::elastic(arn)).await?;
    let mut decision = Decision::reply(())
        .guards([sub.guard(), state.guard()])
        .change(Change::Put(sub.key().clone(), Record::of(SubChannel { closing: true, ..value.clone() })));
    if state.get().is_some_and(|state| state.open == value.id) {
        let other = counted.iter().filter_map(|(_, other)| other.get()).find(|other| other.id != value.id);
        let open = other
            .map(|other| Change::Put(state.key().clone(), Record::of(Elastic { open: other.id.clone() })));
        decision = decision.changes(open);
    }
    match chime.commit(decision).await {
        Ok(_) => Ok(Some(value.id.clone())),
        // Somebody came or went meanwhile; whoever left has asked for another look.
        Err(ServiceError::Store(StoreError::Conflict)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Moves the members of a sub-channel to the others.
async fn empty(
    chime: &Chime,
    arn: &ChannelArn,
    elastic: &ElasticChannelConfiguration,
    closing: &SubChannelId,
) -> Result<(), ServiceError> {
    loop {
        let found = chime.store().scan(Scan::below(&keys::sub_channel_members(arn, closing), CHUNK)).await?;
        if found.is_empty() {
            return Ok(());
        }
        for (key, _) in found {
            let Ok(id) = AppInstanceUserId::new(key.last()) else { continue };
            // Users and bots share one space of ids, and their memberships one of keys.
            let user = arn.app_instance().user(&id);
            move_one(chime, arn, elastic, closing, &user).await?;
        }
    }
}

async fn move_one(
    chime: &Chime,
    arn: &ChannelArn,
    elastic: &ElasticChannelConfiguration,
    closing: &SubChannelId,
    user: &AppInstanceUserArn,
) -> Result<(), ServiceError> {
    chime
        .transact(|_| async move {
            let index = keys::sub_channel_member(arn, closing, user);
            let found = load::<Membership>(chime.store(), Relation::Member.key(arn, user)).await?;
            let moderator = load::<Moderator>(chime.store(), Relation::Moderator.key(arn, user)).await?;
            let Some(membership) = found.get().filter(|found| found.sub_channels.contains(closing)) else {
                return Ok(Decision::reply(()).guard(found.guard()).change(Change::Delete(index)));
            };
            let decision = Decision::reply(()).guards([found.guard(), moderator.guard()]);
            let left = leave_seats(membership, std::slice::from_ref(closing), chime.now());
            let mut rest: Vec<_> =
                membership.sub_channels.iter().filter(|id| *id != closing).cloned().collect();
            if moderator.exists() || !rest.is_empty() {
                let gone = Membership { sub_channels: vec![closing.clone()], ..membership.clone() };
                let decision = decision.announce(ChannelEvent::MembershipDeleted(gone).announce());
                return Ok(if rest.is_empty() {
                    decision.changes(leaving::membership(chime.settings(), membership, chime.now()))
                } else {
                    decision.changes(left).changes(written(&found, membership, rest))
                });
            }
            let seat = chime.seat(arn, elastic, Some(closing)).await?;
            rest.push(seat.id.clone());
            let moved = Membership { sub_channels: rest.clone(), updated: chime.now(), ..membership.clone() };
            Ok(decision
                .changes(left)
                .guards(seat.guards)
                .changes(seat.changes)
                .changes(take_seat(membership, elastic, &seat.id))
                .changes(written(&found, &moved, rest))
                .announce(ChannelEvent::MembershipMoved(moved, closing.clone()).announce()))
        })
        .await
}

/// The membership with other sub-channels, in both its places.
fn written(
    found: &Loaded<Membership>,
    membership: &Membership,
    sub_channels: Vec<SubChannelId>,
) -> [Change; 2] {
    let index = Relation::Member.index(&membership.channel, &membership.member.arn);
    let links = Record::of(SubLinks(sub_channels.clone()));
    let membership = Membership { sub_channels, ..membership.clone() };
    [Change::Put(found.key().clone(), Record::of(membership)), Change::Put(index, links)]
}

/// Takes an empty sub-channel away, with its messages.
async fn remove(chime: &Chime, arn: &ChannelArn, id: &SubChannelId) -> Result<(), ServiceError> {
    let sub = load::<SubChannel>(chime.store(), keys::sub_channel(arn, id)).await?;
    if !sub.exists() {
        return Ok(());
    }
    let stream = keys::messages_in(arn, Some(id));
    chime.trim(&stream, Timestamp::MAX, &[sub.guard()]).await?;
    let decision = Decision::reply(())
        .guard(sub.guard())
        .change(Change::DropStream(stream))
        .change(Change::Delete(sub.key().clone()))
        .change(Change::Count { counter: keys::sub_channel_count(arn, id), by: i64::MIN, at_most: None })
        .change(Change::Count { counter: keys::sub_channels_count(arn), by: -1, at_most: None })
        .announce(ChannelEvent::SubChannelDeleted(arn.clone(), id.clone()).announce());
    match chime.commit(decision).await {
        Ok(_) | Err(ServiceError::Store(StoreError::Conflict)) => Ok(()),
        Err(error) => Err(error),
    }
}
