//! Adding and removing members.

use super::channels::{count, relation_keys};
use crate::access::{Action, MembershipType, Role, decide};
use crate::arn::AppInstanceUserArn;
use crate::error::Refusal;
use crate::flow::{Decision, Settings};
use crate::ids::SubChannelId;
use crate::limits::Quota;
use crate::messaging::elastic::{Seat, SubLinks, bad, leave_seats, take_seat};
use crate::messaging::events::ChannelEvent;
use crate::messaging::facts::{ChannelFacts, Missing, UserFacts};
use crate::messaging::keys::{self, Relation};
use crate::messaging::types::{Link, Membership, ReadMarker};
use crate::ports::{Change, Record};
use crate::time::Timestamp;

/// Which quota a membership counts towards. In an elastic channel every one has a sub-channel.
fn quota(membership: &Membership) -> Quota {
    if membership.sub_channels.is_empty() {
        Quota::MembershipsPerChannel
    } else {
        Quota::MembershipsPerElasticChannel
    }
}

/// The index record of a membership.
fn index_of(membership: &Membership) -> Record {
    if membership.sub_channels.is_empty() {
        Record::of(Link)
    } else {
        Record::of(SubLinks(membership.sub_channels.clone()))
    }
}

/// Writes a membership that was there before.
fn rewrite(membership: &Membership) -> [Change; 2] {
    let [key, index] = relation_keys(Relation::Member, &membership.channel, &membership.member.arn);
    [Change::Put(key, Record::of(membership.clone())), Change::Put(index, index_of(membership))]
}

/// Writes a new membership and counts it (rule APP-17).
pub(super) fn put(settings: &Settings, membership: &Membership) -> Vec<Change> {
    let channel = &membership.channel;
    let of = [channel.app_instance_id(), channel.channel_id()];
    let counted = count(settings, quota(membership), &of, 1);
    std::iter::once(counted).chain(rewrite(membership)).collect()
}

/// Takes a membership away, and what hung on it.
pub(crate) fn drop(settings: &Settings, membership: &Membership, now: Timestamp) -> Vec<Change> {
    let (channel, user) = (&membership.channel, &membership.member.arn);
    let [key, index] = relation_keys(Relation::Member, channel, user);
    let of = [channel.app_instance_id(), channel.channel_id()];
    let mut changes = vec![
        count(settings, quota(membership), &of, -1),
        Change::Delete(key),
        Change::Delete(index),
        Change::Delete(keys::read_marker(channel, user)),
        Change::Delete(keys::preferences(channel, user)),
        Change::Delete(keys::last_targeted(channel, user)),
    ];
    changes.extend(leave_seats(membership, &membership.sub_channels, now));
    changes
}

/// What a request to add a member to an elastic channel comes to.
#[derive(Debug)]
pub(in crate::messaging) enum Destination {
    /// The channel is not elastic.
    Whole,
    /// A member, who goes where there is room.
    Any,
    /// A moderator, who goes where it is told.
    Named,
}

/// Where a new member goes (wire rule D-08): the system says for members, the request for moderators.
pub(in crate::messaging) fn destination(
    facts: &ChannelFacts,
    kind: MembershipType,
    given: Option<&SubChannelId>,
) -> Result<Destination, Refusal> {
    let elastic = facts.channel.get().is_some_and(|channel| channel.elastic.is_some());
    let moderator = facts.targets.first().is_some_and(|target| target.moderator.exists());
    match (elastic, moderator, given) {
        (false, _, None) => Ok(Destination::Whole),
        (false, _, Some(_)) => Err(bad("The channel has no sub-channels.").unless("leave SubChannelId out.")),
        (true, ..) if kind == MembershipType::Hidden => Err(bad("An elastic channel has no HIDDEN members.")),
        (true, true, Some(_)) => Ok(Destination::Named),
        (true, true, None) => {
            Err(bad("SubChannelId is required: the user is a moderator of an elastic channel."))
        }
        (true, false, None) => Ok(Destination::Any),
        (true, false, Some(_)) => {
            Err(bad("The sub-channel of a member is chosen by the service.")
                .unless("leave SubChannelId out."))
        }
    }
}

/// Whether the caller may make and list memberships of a kind (rule CHN-10).
pub(in crate::messaging) fn of_kind(facts: &ChannelFacts, kind: MembershipType) -> Result<(), Refusal> {
    if kind == MembershipType::Default || facts.sees_hidden() {
        return Ok(());
    }
    Err(Refusal::forbidden("CHN-10", "HIDDEN memberships are for administrators and moderators.")
        .unless("leave Type out, or act as a moderator of the channel."))
}

/// `CreateChannelMembership` (rules CHN-04 to CHN-07, CHN-10 to CHN-13).
pub(in crate::messaging) fn create(
    facts: &ChannelFacts,
    kind: MembershipType,
    seat: Option<Seat>,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<Membership>, Refusal> {
    let channel = facts.admit(Missing::NotFound)?;
    let target = facts.target()?;
    let situation = facts.situation(settings);
    let outsider = situation.standing.roles().next() == Some(Role::NonMember);
    if target.ban.exists() && (situation.target.is_caller || !outsider) {
        return Err(Refusal::forbidden("CHN-13", "The user is banned from the channel.")
            .unless("delete the ban first."));
    }
    decide(Action::CreateChannelMembership, &situation).enforce()?;
    of_kind(facts, kind)?;
    let member = target.identity()?;
    let sub_channels: Vec<_> = seat.iter().map(|seat| seat.id.clone()).collect();
    let known = target.membership.get();
    // A moderator of an elastic channel may be a member of several of its sub-channels.
    let further = known.filter(|known| {
        target.moderator.exists() && sub_channels.iter().all(|id| !known.sub_channels.contains(id))
    });
    if known.is_some() && (further.is_none() || sub_channels.is_empty()) {
        return Err(Refusal::conflict("CHN-12", "The user is a member of the channel already."));
    }
    let uncounted = known.map_or(seat.is_some() && target.moderator.exists(), |known| known.uncounted);
    let membership = Membership {
        channel: channel.arn.clone(),
        member,
        kind,
        invited_by: facts.caller.identity()?,
        created: now,
        updated: now,
        sub_channels,
        uncounted,
    };
    let decision = Decision::reply(membership.clone()).guards(facts.guards()).guards([
        target.user.guard(),
        target.membership.guard(),
        target.ban.guard(),
        target.moderator.guard(),
    ]);
    let mut decision = match further {
        Some(known) => {
            let mut all = known.clone();
            all.sub_channels.extend(membership.sub_channels.iter().cloned());
            all.updated = now;
            decision.changes(rewrite(&all))
        }
        None => decision.changes(put(settings, &membership)),
    };
    if let (Some(seat), Some(elastic)) = (seat, channel.elastic) {
        let taken = take_seat(&membership, &elastic, &seat.id);
        decision = decision.guards(seat.guards).changes(seat.changes).changes(taken);
        decision.batch.announce.extend(seat.announce);
    }
    Ok(decision.announce(ChannelEvent::MembershipCreated(membership).announce()))
}

/// `DeleteChannelMembership` (rules ROLE-03, WEB-30); removing who is no member succeeds (wire rule T-09).
///
/// A moderator of an elastic channel may leave one of its sub-channels.
pub(in crate::messaging) fn delete(
    facts: &ChannelFacts,
    given: Option<&SubChannelId>,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::DeleteChannelMembership, Missing::Forbidden, settings)?;
    let target = facts.target()?;
    let elastic = channel.elastic.is_some();
    if given.is_some() && !(elastic && target.moderator.exists()) {
        return Err(
            bad("SubChannelId is for moderators of elastic channels.").unless("leave SubChannelId out.")
        );
    }
    let Some(membership) = target.membership.get() else { return Ok(Decision::reply(())) };
    let Some(id) = given else {
        return Ok(leave(target, membership, settings, now).guards(facts.guards()));
    };
    let rest: Vec<_> = membership.sub_channels.iter().filter(|own| *own != id).cloned().collect();
    if rest.len() == membership.sub_channels.len() {
        return Ok(Decision::reply(()));
    }
    if rest.is_empty() {
        return Ok(leave(target, membership, settings, now).guards(facts.guards()));
    }
    let left = Membership { sub_channels: vec![id.clone()], ..membership.clone() };
    let stays = Membership { sub_channels: rest, updated: now, ..membership.clone() };
    Ok(Decision::reply(())
        .guards(facts.guards())
        .guard(target.membership.guard())
        .changes(rewrite(&stays))
        .changes(leave_seats(&left, &left.sub_channels, now))
        .announce(ChannelEvent::MembershipDeleted(left).announce()))
}

/// Takes a member away and announces it.
pub(super) fn leave(
    target: &UserFacts,
    membership: &Membership,
    settings: &Settings,
    now: Timestamp,
) -> Decision<()> {
    Decision::reply(())
        .guard(target.membership.guard())
        .changes(drop(settings, membership, now))
        .announce(ChannelEvent::MembershipDeleted(membership.clone()).announce())
}

/// `DescribeChannelMembership`.
pub(in crate::messaging) fn describe(
    facts: &ChannelFacts,
    settings: &Settings,
) -> Result<Membership, Refusal> {
    facts.authorize(Action::DescribeChannelMembership, Missing::NotFound, settings)?;
    let target = facts.target()?;
    let seen = |membership: &&Membership| {
        membership.kind == MembershipType::Default || facts.sees_hidden() || target.arn == facts.caller.arn
    };
    let membership = target.membership.get().filter(seen).cloned();
    membership.ok_or_else(|| Refusal::not_found("E-06", "The user is not a member of the channel."))
}

/// `UpdateChannelReadMarker` (rule CHN-19).
pub(in crate::messaging) fn read_marker(
    facts: &ChannelFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::UpdateChannelReadMarker, Missing::Forbidden, settings)?;
    if channel.elastic.is_some() {
        return Err(bad("An elastic channel has no read markers."));
    }
    let key = keys::read_marker(&channel.arn, &facts.caller.arn);
    Ok(Decision::reply(()).guards(facts.guards()).change(Change::Put(key, Record::of(ReadMarker(now)))))
}

/// Whether the caller may see and set the preferences of a membership: they are the member's own.
pub(in crate::messaging) fn own_preferences(
    facts: &ChannelFacts,
    member: &AppInstanceUserArn,
) -> Result<(), Refusal> {
    facts.admit(Missing::Forbidden)?;
    if facts.caller.arn == *member && facts.caller.membership.exists() {
        return Ok(());
    }
    Err(Refusal::forbidden("CHN-19", "The preferences of a membership are its member's own.")
        .unless("act as a member of the channel and give its own ARN."))
}
