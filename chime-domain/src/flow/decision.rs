//! What a rule answers when it says yes.

use crate::ports::{Announce, Append, Batch, Change, Guard};

/// A reply, and everything that must become true with it.
#[derive(Clone, Debug)]
#[must_use]
pub struct Decision<R> {
    /// What the caller is told once the batch is committed.
    pub reply: R,
    /// What is written. Nothing at all for a read.
    pub batch: Batch,
}

impl<R> Decision<R> {
    /// A reply that changes nothing.
    pub fn reply(reply: R) -> Self {
        Self { reply, batch: Batch::default() }
    }

    /// Requires a record to be as it was read.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.batch.guards.push(guard);
        self
    }

    /// Requires records to be as they were read.
    pub fn guards(mut self, guards: impl IntoIterator<Item = Guard>) -> Self {
        self.batch.guards.extend(guards);
        self
    }

    /// Changes something.
    pub fn change(mut self, change: Change) -> Self {
        self.batch.changes.push(change);
        self
    }

    /// Changes several things.
    pub fn changes(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.batch.changes.extend(changes);
        self
    }

    /// Appends to a log.
    pub fn append(self, append: Append) -> Self {
        self.change(Change::Append(append))
    }

    /// Announces something.
    pub fn announce(mut self, announce: Announce) -> Self {
        self.batch.announce.push(announce);
        self
    }
}
