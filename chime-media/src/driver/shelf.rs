//! Datagrams that can wait for the next tick: they wake nobody, which would cost more than all that is done with them.

use std::sync::{Mutex, PoisonError};

use super::sort::Batch;

/// Batches that may wait. A worker looks every 20 ms while it has a meeting, and a batch is made every few milliseconds:
/// one that is so far behind has lost the oldest anyway.
const MOST: usize = 1024;

/// Where the datagrams of one worker wait.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Vec<Batch>>);

impl Shelf {
    /// Puts a batch behind the others; gives it back when too many are there.
    pub(super) fn put(&self, batch: Batch) -> Result<(), Batch> {
        let mut batches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if batches.len() >= MOST {
            return Err(batch);
        }
        batches.push(batch);
        Ok(())
    }

    /// All that wait, in order; `room` becomes the shelf's, emptied.
    pub(super) fn swap(&self, room: &mut Vec<Batch>) {
        room.clear();
        std::mem::swap(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_in_order_and_is_bounded() {
        let shelf = Shelf::default();
        for number in 0..MOST {
            shelf.put(Batch { bytes: vec![0; number], ..Batch::new(crate::testing::start()) }).unwrap();
        }
        shelf.put(Batch::new(crate::testing::start())).unwrap_err();
        let mut taken = Vec::new();
        shelf.swap(&mut taken);
        assert!(taken.iter().map(|batch| batch.bytes.len()).eq(0..MOST));
        shelf.swap(&mut taken);
        assert!(taken.is_empty());
    }
}
