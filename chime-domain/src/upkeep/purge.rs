//! Removing what deleted channels, users and app instances left (rules CHN-17, APP-11, APP-12).

use super::retention::trim;
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::error::ServiceError;
use crate::flow::{Chime, Decision, Task, load};
use crate::identity::{AppInstance, keys as identity_keys};
use crate::ids::{AppInstanceUserId, ChannelId};
use crate::limits::Quota;
use crate::messaging::keys::{self, Relation};
use crate::messaging::{Ban, Channel, ChannelEvent, Membership, Moderator, leaving};
use crate::ports::{Batch, Change, Key, Scan, Versioned};
use crate::time::Timestamp;

const CHUNK: usize = 200;

async fn write(chime: &Chime, changes: Vec<Change>) -> Result<(), ServiceError> {
    if !changes.is_empty() {
        chime.store().commit(Batch { guards: Vec::new(), changes, announce: Vec::new() }).await?;
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
async fn clear(chime: &Chime, parent: &Key) -> Result<(), ServiceError> {
    drain(chime, parent, |found| async move {
        write(chime, found.into_iter().map(|(key, _)| Change::Delete(key)).collect()).await
    })
    .await
}

pub(super) async fn channel(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    if let Some(arn) = task.subject.first().and_then(|arn| ChannelArn::parse(arn).ok()) {
        contents(chime, &arn).await?;
        write(chime, vec![Change::Delete(keys::deleted_channel(&arn))]).await?;
    }
    Ok(None)
}

/// Everything that hangs on a channel whose record is gone.
async fn contents(chime: &Chime, arn: &ChannelArn) -> Result<(), ServiceError> {
    let settings = chime.settings();
    drain(chime, &Relation::Member.of_channel(arn), |found| async move {
        let mut changes = Vec::new();
        for (_, record) in found {
            changes.extend(leaving::membership(settings, &*record.record.read::<Membership>()?));
        }
        write(chime, changes).await
    })
    .await?;
    drain(chime, &Relation::Moderator.of_channel(arn), |found| async move {
        let mut changes = Vec::new();
        for (_, record) in found {
            changes.extend(leaving::moderator(settings, &*record.record.read::<Moderator>()?));
        }
        write(chime, changes).await
    })
    .await?;
    drain(chime, &Relation::Ban.of_channel(arn), |found| async move {
        let mut changes = Vec::new();
        for (_, record) in found {
            changes.extend(leaving::ban(&*record.record.read::<Ban>()?));
        }
        write(chime, changes).await
    })
    .await?;
    clear(chime, &keys::read_markers(arn)).await?;
    clear(chime, &keys::all_preferences(arn)).await?;
    let stream = keys::messages(arn);
    trim(chime, &stream, Timestamp::MAX).await?;
    write(chime, vec![Change::DropStream(stream)]).await
}

/// The user's memberships end one by one, each announced; its moderator rows and bans go silently.
pub(super) async fn user(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| AppInstanceUserArn::parse(arn).ok()) else {
        return Ok(None);
    };
    let arn = &arn;
    for relation in Relation::ALL {
        drain(chime, &relation.of_user(arn), |found| async move {
            for (index, _) in found {
                let Ok(id) = ChannelId::new(index.last()) else { continue };
                let channel = arn.app_instance().channel(&id);
                let decision = parted(chime, relation, &channel, arn).await?;
                // The index row goes in any case, so that the loop ends.
                chime.commit(decision.change(Change::Delete(index))).await?;
            }
            Ok(())
        })
        .await?;
    }
    write(chime, vec![Change::Delete(identity_keys::deleted_user(arn))]).await?;
    Ok(None)
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
            match found.get() {
                Some(membership) => decision
                    .changes(leaving::membership(chime.settings(), membership))
                    .announce(ChannelEvent::MembershipDeleted(membership.clone()).announce()),
                None => decision,
            }
        }
        Relation::Moderator => {
            let found = load::<Moderator>(chime.store(), key).await?;
            decision.changes(
                found.get().map(|row| leaving::moderator(chime.settings(), row)).into_iter().flatten(),
            )
        }
        Relation::Ban => {
            let found = load::<Ban>(chime.store(), key).await?;
            decision.changes(found.get().map(leaving::ban).into_iter().flatten())
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
            contents(chime, &channel.arn).await?;
            write(
                chime,
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
            std::iter::once(Change::Delete(key)).chain(tags)
        });
        write(chime, changes.collect()).await
    })
    .await?;
    clear(chime, &identity_keys::admins(&arn)).await?;
    let id = arn.app_instance_id();
    clear(chime, &Key::new("tags", &[id])).await?;
    let counters = [Quota::UsersPerAppInstance, Quota::AdminsPerAppInstance, Quota::ChannelsPerAppInstance];
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
    write(chime, changes).await?;
    Ok(None)
}
