//! Creating, changing and deleting channels.

use crate::access::{Action, MembershipType, Mode};
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::Refusal;
use crate::flow::{Decision, Loaded, Settings, Task, TaskKind};
use crate::identity::{
    Expiration, ExpirationCriterion, IdentityRef, Resource, Tags, Tombstone, keys as identity_keys,
};
use crate::limits::{CREATE_CHANNEL_ARNS, Quota, TAGS_PER_REQUEST};
use crate::messaging::events::ChannelEvent;
use crate::messaging::facts::{ChannelFacts, Missing, UserFacts, bad_bearer, bad_target};
use crate::messaging::keys::{self, Relation};
use crate::messaging::types::{Channel, CreateChannel, Link, Membership, Moderator, UpdateChannel};
use crate::ports::{Change, Key, Record};
use crate::time::Timestamp;

/// Counts towards a quota.
pub(in crate::messaging) fn count(settings: &Settings, quota: Quota, of: &[&str], by: i64) -> Change {
    let at_most = (by > 0).then(|| settings.limits.get(quota));
    Change::Count { counter: identity_keys::counter(quota, of), by, at_most }
}

/// Checks the bounds of a creation that no type holds.
pub(in crate::messaging) fn check(command: &CreateChannel) -> Result<(), Refusal> {
    for (name, arns) in [("MemberArns", &command.members), ("ModeratorArns", &command.moderators)] {
        if arns.len() > *CREATE_CHANNEL_ARNS.end() {
            return Err(Refusal::bad_request(
                "D-08",
                format!("{name} holds {} ARNs, more than 10.", arns.len()),
            ));
        }
    }
    if command.elastic.is_some() && (!command.members.is_empty() || command.mode == Mode::Unrestricted) {
        return Err(Refusal::bad_request(
            "D-08",
            "An elastic channel is RESTRICTED and is created without MemberArns.",
        ));
    }
    if command.tags.len() > *TAGS_PER_REQUEST.end() {
        return Err(Refusal::bad_request("APP-21", "Tags holds more than 50 tags."));
    }
    Ok(())
}

/// Everyone whom a creation names beside the creator, once each.
pub(in crate::messaging) fn named(
    command: &CreateChannel,
    creator: &AppInstanceUserArn,
) -> Vec<AppInstanceUserArn> {
    let both = command.members.iter().chain(&command.moderators);
    let mut all: Vec<_> = both.filter(|arn| *arn != creator).cloned().collect();
    all.sort();
    all.dedup();
    all
}

/// `CreateChannel`: the creator becomes a member and a moderator (rules CHN-01 to CHN-03, CHN-08).
pub(in crate::messaging) fn create(
    facts: &ChannelFacts,
    leaving: &Loaded<Tombstone>,
    command: &CreateChannel,
    arn: &ChannelArn,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<ChannelArn>, Refusal> {
    let instance = facts.instance.get().filter(|instance| instance.arn == command.app_instance);
    let instance =
        instance.filter(|instance| facts.caller.arn.is_in(&instance.arn)).ok_or_else(bad_bearer)?;
    let creator = facts.caller.identity().map_err(|_| bad_bearer())?;
    if facts.targets.iter().any(|target| !target.arn.is_in(&instance.arn)) {
        return Err(bad_target());
    }
    if facts.channel.exists() {
        return Err(Refusal::conflict("T-08", "The app instance has a channel of this id already."));
    }
    if leaving.exists() {
        return Err(Refusal::conflict("CHN-17", "A deleted channel of this id is still being removed.")
            .unless("try again in a moment, or choose another id."));
    }
    let channel = Channel {
        arn: arn.clone(),
        name: command.name.clone(),
        mode: command.mode,
        privacy: command.privacy,
        metadata: command.metadata.clone(),
        created_by: creator.clone(),
        created: now,
        updated: now,
        expiration: command.expiration,
        flow: None,
        elastic: command.elastic,
    };
    let mut decision = Decision::reply(arn.clone())
        .guards([facts.instance.guard(), facts.caller.user.guard(), facts.channel.guard(), leaving.guard()])
        .guards(facts.targets.iter().map(|target| target.user.guard()))
        .change(count(settings, Quota::ChannelsPerAppInstance, &[arn.app_instance_id()], 1))
        .change(Change::Put(keys::channel(arn), Record::of(channel.clone())))
        .change(Change::Put(keys::listed_channel(arn, channel.privacy), Record::of(Link)))
        .changes(expiry(&channel, now))
        .announce(ChannelEvent::ChannelCreated(channel).announce());
    if !command.tags.is_empty() {
        let tags = Record::of(Tags(command.tags.clone()));
        decision = decision.change(Change::Put(identity_keys::tags(&Resource::Channel(arn.clone())), tags));
    }
    let everyone = || std::iter::once(&facts.caller).chain(&facts.targets);
    let first = |user: &UserFacts, named: &[AppInstanceUserArn]| {
        user.arn == facts.caller.arn || named.contains(&user.arn)
    };
    // The creator of an elastic channel is no member of it (wire rule D-08).
    for user in everyone().filter(|user| command.elastic.is_none() && first(user, &command.members)) {
        let membership = first_membership(arn, user, &creator, now)?;
        decision = decision
            .changes(super::memberships::put(settings, &membership))
            .announce(ChannelEvent::MembershipCreated(membership).announce());
    }
    for user in everyone().filter(|user| first(user, &command.moderators)) {
        let (channel, created_by) = (arn.clone(), creator.clone());
        let moderator = Moderator { channel, moderator: user.identity()?, created_by, created: now };
        decision = decision
            .changes(super::moderation::put_moderator(settings, &moderator))
            .announce(ChannelEvent::ModeratorCreated(moderator).announce());
    }
    Ok(decision)
}

fn first_membership(
    channel: &ChannelArn,
    user: &UserFacts,
    creator: &IdentityRef,
    now: Timestamp,
) -> Result<Membership, Refusal> {
    Ok(Membership {
        channel: channel.clone(),
        member: user.identity()?,
        kind: MembershipType::Default,
        invited_by: creator.clone(),
        created: now,
        updated: now,
        sub_channels: Vec::new(),
        uncounted: false,
    })
}

/// `UpdateChannel` (rule WEB-27).
pub(in crate::messaging) fn update(
    facts: &ChannelFacts,
    command: &UpdateChannel,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<ChannelArn>, Refusal> {
    let mut channel = facts.authorize(Action::UpdateChannel, Missing::Forbidden, settings)?.clone();
    if channel.elastic.is_some() && command.mode == Some(Mode::Unrestricted) {
        return Err(Refusal::bad_request("D-08", "An elastic channel stays RESTRICTED."));
    }
    channel.name = command.name.clone().unwrap_or(channel.name);
    channel.mode = command.mode.unwrap_or(channel.mode);
    channel.metadata = command.metadata.clone().unwrap_or(channel.metadata);
    channel.updated = now;
    Ok(Decision::reply(channel.arn.clone())
        .guards(facts.guards())
        .change(Change::Put(facts.channel.key().clone(), Record::of(channel.clone())))
        .announce(ChannelEvent::ChannelUpdated(channel).announce()))
}

/// `PutChannelExpirationSettings`, by whoever may change the channel, or by its account without a bearer.
pub(in crate::messaging) fn expire(
    channel: &Channel,
    facts: &Loaded<Channel>,
    expiration: Option<Expiration>,
    now: Timestamp,
) -> Decision<ChannelArn> {
    let channel = Channel { expiration, ..channel.clone() };
    Decision::reply(channel.arn.clone())
        .guard(facts.guard())
        .changes(expiry(&channel, now))
        .change(Change::Put(facts.key().clone(), Record::of(channel)))
}

/// The task that will look whether the channel has expired.
fn expiry(channel: &Channel, now: Timestamp) -> Option<Change> {
    let Expiration { days, criterion } = channel.expiration?;
    let from = match criterion {
        ExpirationCriterion::CreatedTimestamp => channel.created,
        ExpirationCriterion::LastMessageTimestamp => now,
    };
    Some(Task::new(TaskKind::ExpireChannel, from.plus_days(days), [channel.arn.to_string()]).schedule())
}

/// `DeleteChannel`: inaccessible at once (rules CHN-17, WEB-28).
pub(in crate::messaging) fn delete(
    facts: &ChannelFacts,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::DeleteChannel, Missing::Forbidden, settings)?;
    Ok(remove(channel, facts.channel.key(), settings, now).guards(facts.guards()))
}

/// Takes a channel away, whoever wants it.
pub(crate) fn remove(channel: &Channel, key: &Key, settings: &Settings, now: Timestamp) -> Decision<()> {
    let arn = &channel.arn;
    Decision::reply(())
        .change(Change::Delete(key.clone()))
        .change(Change::Delete(keys::listed_channel(arn, channel.privacy)))
        .change(Change::Delete(identity_keys::tags(&Resource::Channel(arn.clone()))))
        .changes(channel.flow.as_ref().map(|flow| Change::Delete(keys::flow_channel(flow, arn))))
        .change(count(settings, Quota::ChannelsPerAppInstance, &[arn.app_instance_id()], -1))
        .change(Change::Put(keys::deleted_channel(arn), Record::of(Tombstone { deleted: now })))
        .change(Task::new(TaskKind::PurgeChannel, now, [arn.to_string()]).schedule())
        .announce(ChannelEvent::ChannelDeleted(channel.clone()).announce())
}

/// The keys under which a relation of a user to a channel is kept and indexed.
pub(super) fn relation_keys(relation: Relation, channel: &ChannelArn, user: &AppInstanceUserArn) -> [Key; 2] {
    [relation.key(channel, user), relation.index(channel, user)]
}
