//! Deleting users and channels whose expiration has come.

use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::ServiceError;
use crate::flow::{Chime, Task, TaskKind, load};
use crate::identity::{AppInstanceUser, ExpirationCriterion, keys as identity_keys};
use crate::messaging::{Channel, LastTargeted, keys, leaving};
use crate::ports::Scan;
use crate::time::Timestamp;

const CHUNK: usize = 256;

pub(super) async fn user(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| AppInstanceUserArn::parse(arn).ok()) else {
        return Ok(None);
    };
    let found = load::<AppInstanceUser>(chime.store(), identity_keys::user(&arn)).await?;
    let due = found.get().and_then(|user| Some(user.created.plus_days(user.expiration?.days)));
    // The setting may have changed since; then another task stands for it.
    if due.is_some_and(|due| due <= chime.now()) {
        chime.identity().delete_app_instance_user(&arn).await?;
    }
    Ok(None)
}

pub(super) async fn channel(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(arn) = task.subject.first().and_then(|arn| ChannelArn::parse(arn).ok()) else { return Ok(None) };
    let found = load::<Channel>(chime.store(), keys::channel(&arn)).await?;
    let Some((channel, expiration)) = found.get().and_then(|channel| Some((channel, channel.expiration?)))
    else {
        return Ok(None);
    };
    let from = match expiration.criterion {
        ExpirationCriterion::CreatedTimestamp => channel.created,
        ExpirationCriterion::LastMessageTimestamp => {
            last_message(chime, &arn).await?.unwrap_or(channel.created)
        }
    };
    let due = from.plus_days(expiration.days);
    if due > chime.now() {
        return Ok(Some(Task::new(TaskKind::ExpireChannel, due, task.subject.clone())));
    }
    let decision = leaving::channel(channel, found.key(), chime.settings(), chime.now()).guard(found.guard());
    chime.commit(decision).await?;
    Ok(None)
}

/// When the last persistent message of a channel was sent, whoever saw it.
async fn last_message(chime: &Chime, arn: &ChannelArn) -> Result<Option<Timestamp>, ServiceError> {
    let heads = chime.store().heads(&super::retention::streams(chime, arn).await?).await?;
    let mut last = heads.iter().filter_map(|head| head.last_kept).max();
    let (parent, mut after) = (keys::all_last_targeted(arn), None);
    loop {
        let found = chime.store().scan(Scan::below(&parent, CHUNK).after(after)).await?;
        for (_, record) in &found {
            last = last.max(Some(record.record.read::<LastTargeted>()?.0));
        }
        after = found.last().map(|(key, _)| key.clone());
        if found.len() < CHUNK {
            return Ok(last);
        }
    }
}
