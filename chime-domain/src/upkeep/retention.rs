//! Deleting messages past the retention period (rules RET-03, RET-07).

use std::time::Duration;

use crate::arn::AppInstanceArn;
use crate::error::ServiceError;
use crate::flow::{Chime, Task, TaskKind, load};
use crate::identity::{Retention, keys as identity_keys, retention_rules};
use crate::ids::ChannelId;
use crate::messaging::keys;
use crate::ports::{Batch, Change, Scan};
use crate::time::Timestamp;

/// How often messages that newly pass the period are deleted. They are out of sight the moment they pass it.
const EVERY: Duration = Duration::from_secs(3600);
/// Messages that one commit deletes, so that other writers are not held up.
const CHUNK: usize = 500;

pub(super) async fn sweep(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(instance) = task.subject.first().and_then(|arn| AppInstanceArn::parse(arn).ok()) else {
        return Ok(None);
    };
    let found = load::<Retention>(chime.store(), identity_keys::retention(&instance)).await?;
    let Some(retention) = found.get() else { return Ok(None) };
    let now = chime.now();
    match retention_rules::initiate_deletion(retention) {
        // The setting was changed since: another task stands for its grace period.
        Some(start) if start > now => return Ok(None),
        None => return Ok(None),
        Some(_) => {}
    }
    let purged = retention_rules::purged(Some(retention), now);
    let until = Timestamp::from_millis(purged.millis().saturating_sub(1));
    let parent = keys::channels(&instance);
    let mut after = None;
    loop {
        let channels = chime.store().scan(Scan::below(&parent, CHUNK).after(after.take())).await?;
        let full = channels.len() == CHUNK;
        after = channels.last().map(|(key, _)| key.clone());
        for (key, _) in channels {
            if let Ok(id) = ChannelId::new(key.last()) {
                trim(chime, &keys::messages(&instance.channel(&id)), until).await?;
            }
        }
        if !full {
            break;
        }
    }
    Ok(Some(Task::new(TaskKind::SweepRetention, now + EVERY, task.subject.clone())))
}

/// Removes the entries of a stream up to a moment, in steps.
pub(super) async fn trim(
    chime: &Chime,
    stream: &crate::ports::Key,
    until: Timestamp,
) -> Result<(), ServiceError> {
    loop {
        let change = Change::Trim { stream: stream.clone(), until, limit: CHUNK };
        let batch = Batch { guards: Vec::new(), changes: vec![change], announce: Vec::new() };
        if chime.store().commit(batch).await?.trimmed < CHUNK {
            return Ok(());
        }
    }
}
