//! Removing the old entries of a log, in steps.

use super::Chime;
use crate::error::StoreError;
use crate::ports::{Batch, Change, Guard, Key};
use crate::time::Timestamp;

/// Entries that one commit removes, so that other writers are not held up: a millisecond of work.
const CHUNK: usize = 64;

impl Chime {
    /// Removes the entries of a stream up to a moment, in steps that each ask for `guards`.
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
        loop {
            let change = Change::Trim { stream: stream.clone(), until, limit: CHUNK };
            let batch = Batch { guards: guards.to_vec(), changes: vec![change], announce: Vec::new() };
            if self.store().commit_patiently(batch).await?.trimmed < CHUNK {
                return Ok(());
            }
        }
    }
}
