//! Deleting messages past the retention period (rules RET-03, RET-07).

use std::time::Duration;

use crate::arn::{AppInstanceArn, ChannelArn};
use crate::error::ServiceError;
use crate::flow::{Chime, Task, TaskKind, load};
use crate::identity::{Retention, keys as identity_keys, retention_rules};
use crate::ids::ChannelId;
use crate::messaging::keys;
use crate::ports::{Key, Scan};
use crate::time::Timestamp;

/// How often messages that newly pass the period are deleted. They are out of sight the moment they pass it.
const EVERY: Duration = Duration::from_secs(3600);
/// Channels that are looked at in one go.
const CHUNK: usize = 500;

pub(super) async fn sweep(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(instance) = task.subject.first().and_then(|arn| AppInstanceArn::parse(arn).ok()) else {
        return Ok(None);
    };
    let found = load::<Retention>(chime.store(), identity_keys::retention(&instance)).await?;
    let Some(retention) = found.get() else { return Ok(None) };
    let now = chime.now();
    let purged = retention_rules::purged(Some(retention), now);
    if purged == Timestamp::MIN {
        return Ok(None);
    }
    let until = Timestamp::from_millis(purged.millis().saturating_sub(1));
    let parent = keys::channels(&instance);
    let mut after = None;
    loop {
        let channels = chime.store().scan(Scan::below(&parent, CHUNK).after(after.take())).await?;
        let full = channels.len() == CHUNK;
        after = channels.last().map(|(key, _)| key.clone());
        for (key, _) in channels {
            if let Ok(id) = ChannelId::new(key.last()) {
                for stream in streams(chime, &instance.channel(&id)).await? {
                    chime.trim(&stream, until, &[]).await?;
                }
            }
        }
        if !full {
            break;
        }
    }
    // A setting that was changed since has a task of its own, due when its grace period ends.
    let begun = retention_rules::initiate_deletion(retention).filter(|start| *start <= now);
    let again = begun.filter(|_| task.subject.len() == 1);
    Ok(again.map(|start| Task::new(TaskKind::SweepRetention, next(start, now), task.subject.clone())))
}

/// The next moment of the row that begins at `start`, so that two tasks of one app instance meet and become one.
fn next(start: Timestamp, now: Timestamp) -> Timestamp {
    let every = EVERY.as_millis() as i64;
    let passed = now.millis().saturating_sub(start.millis()) / every;
    Timestamp::from_millis(start.millis().saturating_add((passed + 1).saturating_mul(every)))
}

/// The logs of a channel's messages: one, or one for each sub-channel.
pub(super) async fn streams(chime: &Chime, channel: &ChannelArn) -> Result<Vec<Key>, ServiceError> {
    let subs = chime.sub_channels(channel).await?;
    let of_subs = subs.iter().filter_map(|sub| Some(keys::messages_in(channel, Some(&sub.get()?.id))));
    Ok(std::iter::once(keys::messages(channel)).chain(of_subs).collect())
}
