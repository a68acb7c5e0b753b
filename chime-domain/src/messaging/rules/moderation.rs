//! Moderators and bans.

use super::channels::{count, relation_keys};
use super::memberships::leave;
use crate::access::Action;
use crate::error::Refusal;
use crate::flow::{Decision, Settings};
use crate::limits::Quota;
use crate::messaging::events::ChannelEvent;
use crate::messaging::facts::{ChannelFacts, Missing, UserFacts};
use crate::messaging::keys::Relation;
use crate::messaging::types::{Ban, Channel, Link, Moderator};
use crate::ports::{Change, Record};
use crate::time::Timestamp;

/// Writes a new moderator and counts it (rule APP-18).
pub(super) fn put_moderator(settings: &Settings, moderator: &Moderator) -> Vec<Change> {
    let (channel, user) = (&moderator.channel, &moderator.moderator.arn);
    let [key, index] = relation_keys(Relation::Moderator, channel, user);
    let of = [channel.app_instance_id(), channel.channel_id()];
    vec![
        count(settings, Quota::ModeratorsPerChannel, &of, 1),
        Change::Put(key, Record::of(moderator.clone())),
        Change::Put(index, Record::of(Link)),
    ]
}

/// Takes a moderator away.
pub(crate) fn drop_moderator(settings: &Settings, moderator: &Moderator) -> Vec<Change> {
    let (channel, user) = (&moderator.channel, &moderator.moderator.arn);
    let [key, index] = relation_keys(Relation::Moderator, channel, user);
    let of = [channel.app_instance_id(), channel.channel_id()];
    vec![count(settings, Quota::ModeratorsPerChannel, &of, -1), Change::Delete(key), Change::Delete(index)]
}

/// Takes a ban away.
pub(crate) fn drop_ban(ban: &Ban) -> Vec<Change> {
    relation_keys(Relation::Ban, &ban.channel, &ban.member.arn).map(Change::Delete).into()
}

/// `CreateChannelModerator` (rule ROLE-05).
pub(in crate::messaging) fn create_moderator(
    facts: &ChannelFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<Moderator>, Refusal> {
    let channel = facts.authorize(Action::CreateChannelModerator, Missing::Forbidden, settings)?;
    let target = facts.target()?;
    let user = target.identity()?;
    if target.ban.exists() {
        return Err(Refusal::forbidden("CHN-14", "The user is banned from the channel.")
            .unless("delete the ban first."));
    }
    if target.moderator.exists() {
        return Err(Refusal::conflict("T-08", "The user is a moderator of the channel already."));
    }
    let created_by = facts.caller.identity()?;
    let moderator = Moderator { channel: channel.arn.clone(), moderator: user, created_by, created: now };
    let decision = Decision::reply(moderator.clone())
        .guards(facts.guards())
        .guards([target.user.guard(), target.moderator.guard(), target.ban.guard()])
        .changes(put_moderator(settings, &moderator))
        .announce(ChannelEvent::ModeratorCreated(moderator).announce());
    Ok(out_of_sub_channels(decision, channel, target, settings, now))
}

/// `DeleteChannelModerator`; demoting who is none succeeds (wire rule T-09).
pub(in crate::messaging) fn delete_moderator(
    facts: &ChannelFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::DeleteChannelModerator, Missing::Forbidden, settings)?;
    let target = facts.target()?;
    let Some(moderator) = target.moderator.get() else { return Ok(Decision::reply(())) };
    let decision = Decision::reply(())
        .guards(facts.guards())
        .guard(target.moderator.guard())
        .changes(drop_moderator(settings, moderator))
        .announce(ChannelEvent::ModeratorDeleted(moderator.clone()).announce());
    Ok(out_of_sub_channels(decision, channel, target, settings, now))
}

/// In an elastic channel, who becomes a moderator or is one no more is a member of its sub-channels no more.
fn out_of_sub_channels<R>(
    mut decision: Decision<R>,
    channel: &Channel,
    target: &UserFacts,
    settings: &Settings,
    now: Timestamp,
) -> Decision<R> {
    if let Some(membership) = target.membership.get().filter(|_| channel.elastic.is_some()) {
        let left = leave(target, membership, settings, now).batch;
        decision.batch.guards.extend(left.guards);
        decision.batch.changes.extend(left.changes);
        decision.batch.announce.extend(left.announce);
    }
    decision
}

/// `DescribeChannelModerator`.
pub(in crate::messaging) fn describe_moderator(
    facts: &ChannelFacts,
    settings: &Settings,
) -> Result<Moderator, Refusal> {
    facts.authorize(Action::DescribeChannelModerator, Missing::NotFound, settings)?;
    let moderator = facts.target()?.moderator.get().cloned();
    moderator.ok_or_else(|| Refusal::not_found("E-06", "The user is not a moderator of the channel."))
}

/// `CreateChannelBan`: a member is removed at once (rules CHN-13, CHN-14, WEB-32).
pub(in crate::messaging) fn create_ban(
    facts: &ChannelFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<Ban>, Refusal> {
    let channel = facts.authorize(Action::CreateChannelBan, Missing::Forbidden, settings)?;
    let target = facts.target()?;
    let member = target.identity()?;
    if target.ban.exists() {
        return Err(Refusal::conflict("T-08", "The user is banned from the channel already."));
    }
    let ban =
        Ban { channel: channel.arn.clone(), member, created_by: facts.caller.identity()?, created: now };
    let [key, index] = relation_keys(Relation::Ban, &channel.arn, &target.arn);
    let mut decision = Decision::reply(ban.clone())
        .guards(facts.guards())
        // That the target is neither an administrator nor a moderator must still be so when the ban takes effect.
        .guards([target.user.guard(), target.ban.guard(), target.admin.guard(), target.moderator.guard()])
        .guard(target.membership.guard())
        .change(Change::Put(key, Record::of(ban.clone())))
        .change(Change::Put(index, Record::of(Link)))
        .announce(ChannelEvent::BanCreated(ban).announce());
    if let Some(membership) = target.membership.get() {
        let left = leave(target, membership, settings, now);
        decision.batch.changes.extend(left.batch.changes);
        decision.batch.announce.extend(left.batch.announce);
    }
    Ok(decision)
}

/// `DeleteChannelBan` (rules ROLE-04, CHN-15).
pub(in crate::messaging) fn delete_ban(
    facts: &ChannelFacts,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    facts.authorize(Action::DeleteChannelBan, Missing::Forbidden, settings)?;
    let target = facts.target()?;
    let Some(ban) = target.ban.get() else { return Ok(Decision::reply(())) };
    Ok(Decision::reply(())
        .guards(facts.guards())
        .guard(target.ban.guard())
        .changes(drop_ban(ban))
        .announce(ChannelEvent::BanDeleted(ban.clone()).announce()))
}

/// `DescribeChannelBan`.
pub(in crate::messaging) fn describe_ban(facts: &ChannelFacts, settings: &Settings) -> Result<Ban, Refusal> {
    facts.authorize(Action::DescribeChannelBan, Missing::NotFound, settings)?;
    let ban = facts.target()?.ban.get().cloned();
    ban.ok_or_else(|| Refusal::not_found("E-06", "The user is not banned from the channel."))
}
