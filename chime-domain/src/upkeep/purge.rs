//! Removing what deleted channels, users and app instances left (rules CHN-17, APP-11, APP-12).

use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Decision, Loaded, Task, load};
use crate::identity::{AppInstance, Tombstone, keys as identity_keys};
use crate::ids::{AppInstanceUserId, ChannelId};
use crate::limits::Quota;
use crate::messaging::keys::{self, Relation};
use crate::messaging::{Ban, Channel, ChannelEvent, Membership, Moderator, leaving};
use crate::ports::{Batch, Change, Guard, Key, Scan, Versioned};
use crate::time::Timestamp;

const CHUNK: usize = 200;

/// Writes what a purge removes, as long as the guards hold: they say that the id is not in use again.
async fn write(chime: &Chime, guards: &[Guard], changes: Vec<Change>) -> Result<(), ServiceError> {
    if !changes.is_empty() {
        let batch = Batch { guards: guards.to_vec(), changes, announce: Vec::new() };
        chime.store().commit(batch).await?;
    }
    Ok(())
}

/// Runs `step` on chunks of the records below a key until there are none left. Each step must remove its chunk.
async fn drain<F>(
    chime: &Chime,
    parent: &Key,
    mut step: impl FnMut(Vec<(Key, Versioned)>) -> F,
) -> Result<(), ServiceError>
where
    F: Future<Output = Result<(), ServiceError>>,
{
    loop {
        let found = chime.store().scan(Scan::below(parent, CHUNK)).await?;
        if found.is_empty() {
            return Ok(());
        }
        step(found).await?;
    }
}

/// Removes all records below a key.
async fn clear(chime: &Chime, guards: &[Guard], parent: &Key) -> Result<(), ServiceError> {
    drain(chime, parent, |found| async move {
        write(chime, guards, found.into_iter().map(|(key, _)| Change::Delete(key)).collect()).await
    })
    .await
}

pub(super) async fn channel(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| ChannelArn::parse(arn).ok()) else { return Ok(None) };
    let tombstone = load::<Tombstone>(chime.store(), keys::deleted_channel(&arn)).await?;
    if !tombstone.exists() {
        return Ok(None);
    }
    let guards = [tombstone.guard()];
    let purge = async {
        contents(chime, &guards, &arn).await?;
        write(chime, &guards, vec![Change::Delete(tombstone.key().clone())]).await
    };
    match purge.await {
        // The lease ran out and another finished it.
        Err(ServiceError::Store(StoreError::Conflict)) => Ok(None),
        done => done.map(|()| None),
    }
}

/// Everything that hangs on a channel whose record is gone.
async fn contents(chime: &Chime, guards: &[Guard], arn: &ChannelArn) -> Result<(), ServiceError> {
    let settings = chime.settings();
    drain(chime, &Relation::Member.of_channel(arn), |found| async move {
        let mut changes = Vec::new();
        for (_, record) in found {
            changes.extend(leaving::membership(settings, &*record.record.read::<Membership>()?, chime.now()));
        }
        write(chime, guards, changes).await
    })
    .await?;
    drain(chime, &Relation::Moderator.of_channel(arn), |found| async move {
        let mut changes = Vec::new();
        for (_, record) in found {
            changes.extend(leaving::moderator(settings, &*record.record.read::<Moderator>()?));
        }
        write(chime, guards, changes).await
    })
    .await?;
    drain(chime, &Relation::Ban.of_channel(arn), |found| async move {
        let mut changes = Vec::new();
        for (_, record) in found {
            changes.extend(leaving::ban(&*record.record.read::<Ban>()?));
        }
        write(chime, guards, changes).await
    })
    .await?;
    clear(chime, guards, &keys::read_markers(arn)).await?;
    clear(chime, guards, &keys::all_preferences(arn)).await?;
    clear(chime, guards, &keys::all_last_targeted(arn)).await?;
    clear(chime, guards, &keys::failed_messages(arn)).await?;
    clear(chime, guards, &keys::push_works(arn)).await?;
    clear(chime, guards, &keys::bot_works(arn)).await?;
    let streams = super::retention::streams(chime, arn).await?;
    for stream in std::iter::once(keys::flow_queue(arn)).chain(streams) {
        chime.trim(&stream, Timestamp::MAX, guards).await?;
        write(chime, guards, vec![Change::DropStream(stream)]).await?;
    }
    clear(chime, guards, &keys::sub_channels(arn)).await?;
    let none = Change::Count { counter: keys::sub_channels_count(arn), by: i64::MIN, at_most: None };
    write(chime, guards, vec![none, Change::Delete(keys::elastic(arn))]).await
}

/// The user's memberships end one by one, each announced; its moderator rows and bans go silently.
pub(super) async fn user(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| AppInstanceUserArn::parse(arn).ok()) else {
        return Ok(None);
    };
    let tombstone = load::<Tombstone>(chime.store(), identity_keys::deleted_user(&arn)).await?;
    for relation in Relation::ALL {
        loop {
            let found = chime.store().scan(Scan::below(&relation.of_user(&arn), CHUNK)).await?;
            if found.is_empty() {
                break;
            }
            for (index, _) in found {
                if !part(chime, &tombstone, relation, &arn, &index).await? {
                    return Ok(None);
                }
            }
        }
    }
    let guards = [tombstone.guard()];
    let rest = async {
        clear(chime, &guards, &identity_keys::endpoints(&arn)).await?;
        let changes =
            vec![no_endpoints(arn.app_instance_id(), arn.user_id()), Change::Delete(tombstone.key().clone())];
        write(chime, &guards, changes).await
    };
    match rest.await {
        // The lease ran out and another finished it.
        Err(ServiceError::Store(StoreError::Conflict)) => Ok(None),
        done => done.map(|()| None),
    }
}

/// A user has no endpoints any more.
fn no_endpoints(app_instance_id: &str, user_id: &str) -> Change {
    let counter = identity_keys::counter(Quota::EndpointsPerUser, &[app_instance_id, user_id]);
    Change::Count { counter, by: i64::MIN, at_most: None }
}

/// Ends one relation of a deleted user to a channel. False when the user is not being removed any more: the lease ran
/// out and another finished it, so the id may be in use again.
async fn part(
    chime: &Chime,
    tombstone: &Loaded<Tombstone>,
    relation: Relation,
    user: &AppInstanceUserArn,
    index: &Key,
) -> Result<bool, ServiceError> {
    chime
        .transact(|_| async {
            let now = load::<Tombstone>(chime.store(), tombstone.key().clone()).await?;
            if !now.exists() || now.guard() != tombstone.guard() {
                return Ok(Decision::reply(false));
            }
            let ended = match ChannelId::new(index.last()) {
                Ok(id) => parted(chime, relation, &user.app_instance().channel(&id), user).await?,
                Err(_) => Decision::reply(()),
            };
            let Decision { batch, .. } = ended;
            // The index row goes in any case, so that the caller's loop ends.
            Ok(Decision { reply: true, batch }.guard(now.guard()).change(Change::Delete(index.clone())))
        })
        .await
}

async fn parted(
    chime: &Chime,
    relation: Relation,
    channel: &ChannelArn,
    user: &AppInstanceUserArn,
) -> Result<Decision<()>, ServiceError> {
    let key = relation.key(channel, user);
    let decision = Decision::reply(());
    Ok(match relation {
        Relation::Member => {
            let found = load::<Membership>(chime.store(), key).await?;
            let place = load::<Channel>(chime.store(), keys::channel(channel)).await?;
            let decision = decision.guards([found.guard(), place.guard()]);
            match found.get() {
                Some(membership) => {
                    let decision =
                        decision.changes(leaving::membership(chime.settings(), membership, chime.now()));
                    // Of a deleted channel nothing more is heard.
                    match place.exists() {
                        true => {
                            decision.announce(ChannelEvent::MembershipDeleted(membership.clone()).announce())
                        }
                        false => decision,
                    }
                }
                None => decision,
            }
        }
        Relation::Moderator => {
            let found = load::<Moderator>(chime.store(), key).await?;
            decision.guard(found.guard()).changes(
                found.get().map(|row| leaving::moderator(chime.settings(), row)).into_iter().flatten(),
            )
        }
        Relation::Ban => {
            let found = load::<Ban>(chime.store(), key).await?;
            decision.guard(found.guard()).changes(found.get().map(leaving::ban).into_iter().flatten())
        }
    })
}

pub(super) async fn app_instance(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| AppInstanceArn::parse(arn).ok()) else {
        return Ok(None);
    };
    if load::<AppInstance>(chime.store(), identity_keys::app_instance(&arn)).await?.exists() {
        return Ok(None);
    }
    drain(chime, &keys::channels(&arn), |found| async move {
        for (key, record) in found {
            let channel = record.record.read::<Channel>()?;
            contents(chime, &[], &channel.arn).await?;
            write(
                chime,
                &[],
                vec![
                    Change::Delete(key),
                    Change::Delete(keys::listed_channel(&channel.arn, channel.privacy)),
                ],
            )
            .await?;
        }
        Ok(())
    })
    .await?;
    let users_of = &arn;
    drain(chime, &identity_keys::users(&arn), |found| async move {
        let changes = found.into_iter().flat_map(|(key, _)| {
            let tags = AppInstanceUserId::new(key.last()).ok().map(|id| {
                Change::Delete(identity_keys::tags(&crate::identity::Resource::User(users_of.user(&id))))
            });
            let endpoints = no_endpoints(users_of.app_instance_id(), key.last());
            [endpoints, Change::Delete(key)].into_iter().chain(tags)
        });
        write(chime, &[], changes.collect()).await
    })
    .await?;
    clear(chime, &[], &identity_keys::admins(&arn)).await?;
    clear(chime, &[], &keys::flows(&arn)).await?;
    let id = arn.app_instance_id();
    for index in ["bot", "channel-of-flow", "endpoint", "tags"] {
        clear(chime, &[], &Key::new(index, &[id])).await?;
    }
    let counters = [
        Quota::UsersPerAppInstance,
        Quota::AdminsPerAppInstance,
        Quota::ChannelsPerAppInstance,
        Quota::FlowsPerAppInstance,
        Quota::BotsPerAppInstance,
    ];
    let mut changes: Vec<_> = counters
        .map(|quota| Change::Count {
            counter: identity_keys::counter(quota, &[id]),
            by: i64::MIN,
            at_most: None,
        })
        .into();
    changes.push(Change::Delete(identity_keys::retention(&arn)));
    changes.push(Change::Delete(identity_keys::streaming(&arn)));
    changes.push(Change::Delete(identity_keys::tags(&crate::identity::Resource::AppInstance(arn.clone()))));
    write(chime, &[], changes).await?;
    Ok(None)
}
