//! Deleting messages past the retention period (rules RET-03, RET-07).

use std::time::Duration;

use crate::arn::AppInstanceArn;
use crate::error::ServiceError;
use crate::flow::{Chime, Task, TaskKind, load};
use crate::identity::{Retention, keys as identity_keys, retention_rules};
use crate::ids::ChannelId;
use crate::messaging::keys;
use crate::ports::{Batch, Change, Guard, Scan};
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
                trim(chime, &keys::messages(&instance.channel(&id)), until, &[]).await?;
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

/// Removes the entries of a stream up to a moment, in steps that each ask for `guards`.
pub(super) async fn trim(
    chime: &Chime,
    stream: &crate::ports::Key,
    until: Timestamp,
    guards: &[Guard],
) -> Result<(), ServiceError> {
    loop {
        let change = Change::Trim { stream: stream.clone(), until, limit: CHUNK };
        let batch = Batch { guards: guards.to_vec(), changes: vec![change], announce: Vec::new() };
        if chime.store().commit(batch).await?.trimmed < CHUNK {
            return Ok(());
        }
    }
}
