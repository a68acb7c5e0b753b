//! Adding and removing members.

use super::channels::{count, relation_keys};
use crate::access::{Action, MembershipType, Role, decide};
use crate::arn::AppInstanceUserArn;
use crate::error::Refusal;
use crate::flow::{Decision, Settings};
use crate::limits::Quota;
use crate::messaging::events::ChannelEvent;
use crate::messaging::facts::{ChannelFacts, Missing, UserFacts};
use crate::messaging::keys::{self, Relation};
use crate::messaging::types::{Link, Membership, ReadMarker};
use crate::ports::{Change, Record};
use crate::time::Timestamp;

/// Writes a new membership and counts it (rule APP-17).
pub(super) fn put(settings: &Settings, membership: &Membership) -> Vec<Change> {
    let (channel, user) = (&membership.channel, &membership.member.arn);
    let [key, index] = relation_keys(Relation::Member, channel, user);
    let of = [channel.app_instance_id(), channel.channel_id()];
    vec![
        count(settings, Quota::MembershipsPerChannel, &of, 1),
        Change::Put(key, Record::of(membership.clone())),
        Change::Put(index, Record::of(Link)),
    ]
}

/// Takes a membership away, and what hung on it.
pub(crate) fn drop(settings: &Settings, membership: &Membership) -> Vec<Change> {
    let (channel, user) = (&membership.channel, &membership.member.arn);
    let [key, index] = relation_keys(Relation::Member, channel, user);
    let of = [channel.app_instance_id(), channel.channel_id()];
    vec![
        count(settings, Quota::MembershipsPerChannel, &of, -1),
        Change::Delete(key),
        Change::Delete(index),
        Change::Delete(keys::read_marker(channel, user)),
        Change::Delete(keys::preferences(channel, user)),
    ]
}

/// `CreateChannelMembership` (rules CHN-04 to CHN-07, CHN-10 to CHN-13).
pub(in crate::messaging) fn create(
    facts: &ChannelFacts,
    kind: MembershipType,
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
    if outsider && kind == MembershipType::Hidden {
        return Err(Refusal::forbidden("CHN-10", "A user who adds itself becomes a DEFAULT member.")
            .unless("leave Type out, or be added by a moderator."));
    }
    let member = target.identity()?;
    if target.membership.exists() {
        return Err(Refusal::conflict("CHN-12", "The user is a member of the channel already."));
    }
    let membership = Membership {
        channel: channel.arn.clone(),
        member,
        kind,
        invited_by: facts.caller.identity()?,
        created: now,
        updated: now,
    };
    Ok(Decision::reply(membership.clone())
        .guards(facts.guards())
        .guards([target.user.guard(), target.membership.guard(), target.ban.guard()])
        .changes(put(settings, &membership))
        .announce(ChannelEvent::MembershipCreated(membership).announce()))
}

/// `DeleteChannelMembership` (rules ROLE-03, WEB-30); removing who is no member succeeds (wire rule T-09).
pub(in crate::messaging) fn delete(
    facts: &ChannelFacts,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    facts.authorize(Action::DeleteChannelMembership, Missing::Forbidden, settings)?;
    let target = facts.target()?;
    Ok(match target.membership.get() {
        Some(membership) => leave(target, membership, settings).guards(facts.guards()),
        None => Decision::reply(()),
    })
}

/// Takes a member away and announces it.
pub(super) fn leave(target: &UserFacts, membership: &Membership, settings: &Settings) -> Decision<()> {
    Decision::reply(())
        .guard(target.membership.guard())
        .changes(drop(settings, membership))
        .announce(ChannelEvent::MembershipDeleted(membership.clone()).announce())
}

/// `DescribeChannelMembership`.
pub(in crate::messaging) fn describe(
    facts: &ChannelFacts,
    settings: &Settings,
) -> Result<Membership, Refusal> {
    facts.authorize(Action::DescribeChannelMembership, Missing::NotFound, settings)?;
    let membership = facts.target()?.membership.get().cloned();
    membership.ok_or_else(|| Refusal::not_found("E-06", "The user is not a member of the channel."))
}

/// `UpdateChannelReadMarker` (rule CHN-19).
pub(in crate::messaging) fn read_marker(
    facts: &ChannelFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::UpdateChannelReadMarker, Missing::Forbidden, settings)?;
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
