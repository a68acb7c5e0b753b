//! Looking after channel flows.

use crate::arn::ChannelArn;
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Task, TaskKind, load};
use crate::ids::MessageId;
use crate::messaging::{FailedMessage, keys};
use crate::ports::{Batch, Change};

/// Takes the queue of a channel on, should nobody have done so, and comes back while something waits in it.
pub(super) async fn run(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let Some(channel) = task.subject.first().and_then(|arn| ChannelArn::parse(arn).ok()) else {
        return Ok(None);
    };
    let until = chime.advance_flow(&channel).await?;
    Ok(until.map(|until| Task::new(TaskKind::RunFlow, until, task.subject.clone())))
}

pub(super) async fn forget(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let [channel, id] = task.subject.as_slice() else { return Ok(None) };
    let (Ok(channel), Ok(id)) = (ChannelArn::parse(channel), MessageId::new(id)) else { return Ok(None) };
    let failed = load::<FailedMessage>(chime.store(), keys::failed_message(&channel, &id)).await?;
    if failed.get().is_none_or(|failed| failed.until > chime.now()) {
        return Ok(None);
    }
    let (guards, changes) = (vec![failed.guard()], vec![Change::Delete(failed.key().clone())]);
    match chime.store().commit(Batch { guards, changes, announce: Vec::new() }).await {
        Ok(_) | Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
