//! What waits for the committers, and which of them it waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chime_domain::error::StoreError;
use chime_domain::ports::{Batch, Change, Committed, Key};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::error::{busy, closed};

/// Batches under way for which another committer is worth its transactions.
const EACH: usize = 32;

/// A batch and where its outcome goes.
pub(super) struct Submission {
    pub(super) batch: Batch,
    /// When it was submitted.
    pub(super) at: Instant,
    pub(super) reply: oneshot::Sender<Result<Committed, StoreError>>,
    _counted: Counted,
}

/// Counts a batch until it is answered.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The queues of the committers.
#[derive(Debug)]
pub(super) struct Queues {
    queues: Vec<mpsc::Sender<Submission>>,
    /// Batches that are not answered yet.
    open: Arc<AtomicUsize>,
}

impl Queues {
    /// Queues where `capacity` batches may wait, and their other ends.
    pub(super) fn new(count: usize, capacity: usize) -> (Self, Vec<mpsc::Receiver<Submission>>) {
        let (senders, receivers) = (0..count).map(|_| mpsc::channel((capacity / count).max(1))).unzip();
        (Self { queues: senders, open: Arc::default() }, receivers)
    }

    /// Hands a batch to the committer that has what it writes.
    pub(super) fn submit(
        &self,
        batch: Batch,
    ) -> Result<oneshot::Receiver<Result<Committed, StoreError>>, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(Arc::clone(&self.open));
        // Transactions end one after the other, each with a sync: so few batches share few of them.
        let active = (open / EACH).clamp(1, self.queues.len().max(1));
        let queue = self.queues.get(place(&batch, active)).ok_or_else(closed)?;
        let submission = Submission { batch, at: Instant::now(), reply, _counted: counted };
        queue.try_send(submission).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => busy(),
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        Ok(outcome)
    }
}

/// Which of `count` committers a batch goes to: those of one stream go to the same, so that they do not wait for each
/// other.
fn place(batch: &Batch, count: usize) -> usize {
    let stream = batch.changes.iter().find_map(|change| match change {
        Change::Append(append) => Some(&append.stream),
        Change::Replace { stream, .. } | Change::Remove { stream, .. } | Change::Trim { stream, .. } => {
            Some(stream)
        }
        _ => None,
    });
    let first = || {
        batch.changes.iter().find_map(|change| match change {
            Change::Put(key, _) | Change::Delete(key) | Change::DropStream(key) => Some(key),
            Change::Count { counter, .. } => Some(counter),
            _ => None,
        })
    };
    let guarded = || batch.guards.first().map(|guard| &guard.key);
    let announced = || batch.announce.first().map(|announce| &announce.subject);
    let key = stream.or_else(guarded).or_else(first).or_else(announced);
    let hash = key.map_or(0, |key: &Key| fnv(key.as_str().as_bytes()));
    usize::try_from(hash % (count.max(1) as u64)).unwrap_or_default()
}

/// The hash of Fowler, Noll and Vo, variant 1a: short, and good enough to spread keys.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
