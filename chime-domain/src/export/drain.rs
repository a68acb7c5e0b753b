//! From a queue to the sink.

use std::sync::Arc;

use bytes::Bytes;

use super::keys;
use super::lease::Leases;
use super::queue::{self, Waiting};
use super::types::{Cursor, ExportGroup, ExportState};
use crate::error::StoreError;
use crate::flow::{Chime, Loaded};
use crate::identity::{StreamingConfigurations, keys as identity_keys};
use crate::messaging::Happening;
use crate::ports::{Batch, Change, Key, SinkError, SinkRecord, Taken};
use crate::text::Private;

/// Writes an event as the JSON text that goes into the stream (rules STR-11 to STR-13); `None` for one that does not.
pub type Encode = dyn Fn(&Happening) -> Option<Vec<u8>> + Send + Sync;

/// Drains the queues of one group of data types of an app instance, while no other does.
#[derive(Debug)]
pub struct Drain {
    chime: Chime,
    app_instance_id: Arc<str>,
    group: ExportGroup,
    leases: Leases,
}

/// What a step did.
#[derive(Debug)]
pub enum Drained {
    /// Nothing waits.
    Idle,
    /// Some was delivered or dropped.
    Moved {
        /// Events that the sink took.
        delivered: usize,
        /// Events whose data type is not streamed any more.
        dropped: usize,
        /// There is more.
        more: bool,
    },
    /// The sink took only so many.
    Failed {
        /// Events that it took.
        delivered: usize,
        /// Why it did not take more.
        error: SinkError,
    },
    /// The pump has yet to learn of a change of the configurations.
    Behind,
    /// Another drains these queues, or others are to be drained together, or nothing is left at all.
    Over,
}

/// What a drain has to know.
struct Facts {
    cursor: Loaded<Cursor>,
    state: Loaded<ExportState>,
    now: Loaded<StreamingConfigurations>,
}

impl Drain {
    /// For a group of data types of an app instance, as [`Chime::exports`] gives them.
    #[must_use]
    pub fn new(chime: Chime, app_instance_id: &str, group: ExportGroup) -> Self {
        let leases = Leases::new(&chime, app_instance_id, group);
        Self { chime, app_instance_id: app_instance_id.into(), group, leases }
    }

    /// Hands at most some `most` events to the sink, oldest first, and deletes from the queues what it took.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. What the sink took by then is handed over again.
    pub async fn step(&mut self, most: usize, encode: &Encode) -> Result<Drained, StoreError> {
        if !self.leases.hold(&self.chime).await? {
            return Ok(Drained::Over);
        }
        let Facts { cursor, state, now } = self.facts().await?;
        let (Some(cursor), Some(streaming)) = (cursor.get(), state.get()) else { return Ok(Drained::Over) };
        if !streaming.groups().contains(&self.group) {
            return Ok(Drained::Over);
        }
        // A deletion counts from the moment it is acknowledged.
        if !streaming.follows(now.get()) {
            return Ok(Drained::Behind);
        }
        let (waiting, more) =
            queue::read(&self.chime, &self.app_instance_id, self.group, cursor.position, most).await?;
        if waiting.is_empty() {
            return if streaming.lanes.is_empty() { self.forget(&state).await } else { Ok(Drained::Idle) };
        }
        let wanted =
            |one: &Waiting| streaming.lane(one.data_type).is_some_and(|lane| lane.after < one.position);
        let (wanted, dropped): (Vec<_>, Vec<_>) = waiting.into_iter().partition(wanted);
        let mut done: Vec<Key> = dropped.into_iter().map(|one| one.key).collect();
        let dropped = done.len();
        let Taken { taken, error } =
            match streaming.lanes.iter().find(|lane| self.group.data_types().contains(&lane.to.data_type)) {
                Some(lane) if !wanted.is_empty() => {
                    let records = records(&wanted, encode)?;
                    self.chime.sink().put(&lane.to.resource_arn, &records).await
                }
                _ => Taken::default(),
            };
        let delivered = taken.len();
        done.extend(taken.into_iter().filter_map(|index| wanted.get(index)).map(|one| one.key.clone()));
        if !self.delete(done).await? {
            return Ok(Drained::Over);
        }
        Ok(match error {
            Some(error) => Drained::Failed { delivered, error },
            None => Drained::Moved { delivered, dropped, more },
        })
    }

    /// Lets others drain.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the lease ends by itself then.
    pub async fn release(mut self) -> Result<(), StoreError> {
        self.leases.release(&self.chime).await
    }

    async fn facts(&self) -> Result<Facts, StoreError> {
        let keys = [
            keys::cursor(),
            keys::state(&self.app_instance_id),
            identity_keys::streaming_of(&self.app_instance_id),
        ];
        let [cursor, state, now] = keys.clone();
        let mut found = self.chime.store().get(&keys).await?.into_iter();
        Ok(Facts {
            cursor: Loaded::decode(cursor, found.next().flatten())?,
            state: Loaded::decode(state, found.next().flatten())?,
            now: Loaded::decode(now, found.next().flatten())?,
        })
    }

    /// Deletes what was seen to. False when another holds the lease now.
    async fn delete(&mut self, done: Vec<Key>) -> Result<bool, StoreError> {
        let by = i64::try_from(done.len()).unwrap_or(i64::MAX).saturating_neg();
        let mut changes: Vec<_> = done.into_iter().map(Change::Delete).collect();
        if changes.is_empty() {
            return Ok(true);
        }
        changes.push(Change::Count { counter: keys::length(&self.app_instance_id), by, at_most: None });
        let guards = self.leases.guards();
        match self.chime.store().commit(Batch { guards, changes, announce: Vec::new() }).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Of an app instance that streams no more, nothing waits: the last record of it goes.
    async fn forget(&mut self, state: &Loaded<ExportState>) -> Result<Drained, StoreError> {
        let mut guards = self.leases.guards();
        guards.push(state.guard());
        let changes = vec![Change::Delete(state.key().clone())];
        match self.chime.store().commit(Batch { guards, changes, announce: Vec::new() }).await {
            Ok(_) | Err(StoreError::Conflict) => Ok(Drained::Over),
            Err(error) => Err(error),
        }
    }
}

fn records(wanted: &[Waiting], encode: &Encode) -> Result<Vec<SinkRecord>, StoreError> {
    let record = |one: &Waiting| {
        let happening = one.queued.happening(&one.key, one.position)?;
        let unreadable = || StoreError::Corrupt { what: one.key.to_string(), source: None };
        let data = Private(Bytes::from(encode(&happening).ok_or_else(unreadable)?));
        let key = Arc::from(happening.channel().as_str());
        Ok(SinkRecord { key, data, position: one.position })
    };
    wanted.iter().map(record).collect()
}
