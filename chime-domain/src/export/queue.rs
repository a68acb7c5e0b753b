//! Reading the queues.

use std::sync::Arc;

use super::keys;
use super::types::{ExportGroup, ExportState, Queued};
use crate::error::StoreError;
use crate::flow::Chime;
use crate::identity::StreamingDataType;
use crate::ports::{Key, Position, Scan};
use crate::time::Timestamp;

const CHUNK: usize = 200;

/// What waits to be exported of one app instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Events that wait.
    pub length: u64,
    /// When the oldest of them was queued.
    pub oldest: Option<Timestamp>,
}

/// One event in a queue.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) key: Key,
    pub(super) data_type: StreamingDataType,
    pub(super) position: Position,
    pub(super) queued: Arc<Queued>,
}

impl Chime {
    /// Ids of the app instances that stream, or of which something is left to be dropped, with the groups of data types
    /// that are drained together.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn exports(&self) -> Result<Vec<(String, Vec<ExportGroup>)>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let found = self.store().scan(Scan::below(&keys::states(), CHUNK).after(after)).await?;
            for (key, record) in &found {
                all.push((key.last().to_owned(), record.record.read::<ExportState>()?.groups()));
            }
            if found.len() < CHUNK {
                return Ok(all);
            }
            after = found.last().map(|(key, _)| key.clone());
        }
    }

    /// What waits to be exported of an app instance.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn export_backlog(&self, app_instance_id: &str) -> Result<Backlog, StoreError> {
        let length = self.store().count(&keys::length(app_instance_id)).await?;
        let mut oldest = None;
        for data_type in ExportGroup::Both.data_types() {
            let scan = Scan::below(&keys::queue(app_instance_id, *data_type), 1);
            for (_, record) in self.store().scan(scan).await? {
                let at = record.record.read::<Queued>()?.at;
                oldest = Some(oldest.map_or(at, |oldest: Timestamp| oldest.min(at)));
            }
        }
        Ok(Backlog { length, oldest })
    }
}

/// The oldest events of a group up to a position, in order. At most `most` of each data type.
pub(super) async fn read(
    chime: &Chime,
    app_instance_id: &str,
    group: ExportGroup,
    until: Position,
    most: usize,
) -> Result<(Vec<Waiting>, bool), StoreError> {
    let (mut waiting, mut bound) = (Vec::new(), None::<Position>);
    for data_type in group.data_types() {
        let queue = keys::queue(app_instance_id, *data_type);
        // The queues are read one after the other: beyond `until` one might have what the other lacks.
        let before = Some(format!("{}{}", queue.below(), keys::place(Position(until.0.saturating_add(1)))));
        let found = chime.store().scan(Scan { before, ..Scan::below(&queue, most) }).await?;
        let full = found.len() >= most;
        for (key, record) in found {
            let position = key
                .last()
                .parse()
                .map(Position)
                .map_err(|_| StoreError::Corrupt { what: key.to_string(), source: None })?;
            let queued = record.record.read::<Queued>()?;
            waiting.push(Waiting { key, data_type: *data_type, position, queued });
        }
        if let (true, Some(last)) = (full, waiting.last()) {
            bound = Some(bound.map_or(last.position, |bound| bound.min(last.position)));
        }
    }
    // Of a queue that was not read to its end, nothing is known beyond the last one.
    if let Some(bound) = bound {
        waiting.retain(|one| one.position <= bound);
    }
    waiting.sort_by_key(|one| one.position);
    Ok((waiting, bound.is_some()))
}
