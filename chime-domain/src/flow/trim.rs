//! Removing the old entries of a log, in steps.

use super::Chime;
use crate::error::StoreError;
use crate::ports::{Batch, Change, EntryQuery, Guard, Key, Order};
use crate::time::Timestamp;

/// Entries that one commit removes, so that other writers are not held up: a millisecond of work.
const CHUNK: usize = 64;

impl Chime {
    /// Removes the entries of a stream up to a moment, in steps that each ask for `guards`. Where there are none it only
    /// reads.
    ///
    /// # Errors
    ///
    /// The store's errors; a conflict when the guards do not hold any more.
    pub(crate) async fn trim(
        &self,
        stream: &Key,
        until: Timestamp,
        guards: &[Guard],
    ) -> Result<(), StoreError> {
        while self.oldest(stream).await?.is_some_and(|oldest| oldest <= until) {
            let change = Change::Trim { stream: stream.clone(), until, limit: CHUNK };
            let batch = Batch { guards: guards.to_vec(), changes: vec![change], announce: Vec::new() };
            if self.store().commit_patiently(batch).await?.trimmed < CHUNK {
                break;
            }
        }
        Ok(())
    }

    async fn oldest(&self, stream: &Key) -> Result<Option<Timestamp>, StoreError> {
        let query = EntryQuery {
            stream: stream.clone(),
            not_before: Timestamp::MIN,
            not_after: Timestamp::MAX,
            behind: None,
            order: Order::Ascending,
            limit: 1,
        };
        Ok(self.store().entries(query).await?.first().map(|entry| entry.stamp.at))
    }
}
