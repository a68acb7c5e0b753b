//! The writer: one thread, one transaction for all that waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::thread::Thread;

use chime_domain::ports::Position;
use rusqlite::Connection;
use tokio::sync::watch;

use super::apply::apply;
use super::cache::ReadCache;
use super::checkpoint;
use super::error::{explain, may_blame_a_batch};
use super::outbox::Tail;
use super::queue::{Outcome, Queue, Submission, now};
use super::schema::{rows, signed};
use super::state::State;

/// Rows of the outbox that one transaction forgets at most.
const SWEEP: usize = 4096;

/// What the writer shares with those who submit and read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) cache: ReadCache,
    pub(super) tail: Tail,
    pub(super) newest: watch::Sender<Position>,
    /// Position up to which everything was carried on; the writer stores it with the next transaction.
    pub(super) settled: AtomicU64,
}

impl Shared {
    pub(super) fn new(capacity: usize, cache: usize, state: &State) -> Self {
        let newest = Position(state.committed.position);
        Self {
            queue: Queue::new(capacity),
            cache: ReadCache::new(cache),
            tail: Tail::after(newest),
            newest: watch::Sender::new(newest),
            settled: AtomicU64::new(state.committed.settled),
        }
    }
}

/// The thread that alone writes.
pub(super) struct Writer {
    connection: Connection,
    state: State,
    shared: Arc<Shared>,
    /// Pages in the write-ahead log after the last commit.
    pages: Arc<AtomicI32>,
    /// Pages at which the checkpointer is woken next.
    wake_at: i32,
    checkpointer: Thread,
    /// The outbox may hold rows that are settled.
    unswept: bool,
}

impl Writer {
    pub(super) fn new(
        mut connection: Connection,
        state: State,
        shared: Arc<Shared>,
        checkpointer: Thread,
    ) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let counted = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
            counted.store(count, Ordering::Relaxed);
            Ok(())
        }))?;
        let wake_at = checkpoint::EVERY;
        Ok(Self { connection, state, shared, pages, wake_at, checkpointer, unswept: true })
    }

    /// Commits until the store is closed, then leaves the database in one file.
    pub(super) fn run(mut self) {
        while let Some(group) = self.shared.queue.take() {
            let began = now();
            self.commit(group.submissions);
            if group.patient {
                self.shared.queue.rest(now().saturating_duration_since(began));
            }
        }
        if self.shared.settled.load(Ordering::Relaxed) > self.state.committed.settled {
            // Without it the last announcements are carried on once more, which readers of the outbox expect.
            let _ = self.transaction(&[]);
        }
        checkpoint::at_the_end(&self.connection);
    }

    fn commit(&mut self, group: Vec<Submission>) {
        match self.transaction(&group) {
            Ok(outcomes) => {
                for (submission, outcome) in group.into_iter().zip(outcomes) {
                    // Nobody waits for the outcome of a commit whose future was dropped.
                    let _ = submission.reply.send(outcome);
                }
            }
            Err(error) if group.len() > 1 && may_blame_a_batch(&error) => {
                for submission in group {
                    self.commit(vec![submission]);
                }
            }
            Err(error) => {
                for submission in group {
                    let _ = submission.reply.send(Err(explain(&error)));
                }
            }
        }
    }

    /// Commits a group, or nothing when there is an error.
    fn transaction(&mut self, group: &[Submission]) -> rusqlite::Result<Vec<Outcome>> {
        let outcomes = self.try_transaction(group);
        if outcomes.is_err() {
            // Some errors have ended the transaction already; then there is nothing to roll back, and this fails.
            let _ = self.connection.execute_batch("ROLLBACK");
            self.state.roll_back();
            self.shared.cache.finish(std::iter::empty());
        } else {
            self.publish();
        }
        self.checkpoint();
        outcomes
    }

    fn try_transaction(&mut self, group: &[Submission]) -> rusqlite::Result<Vec<Outcome>> {
        let (connection, state) = (&self.connection, &mut self.state);
        state.age();
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut outcomes = Vec::with_capacity(group.len());
        for submission in group {
            outcomes.push(apply(connection, state, &submission.batch)?);
        }
        let passed =
            group.iter().zip(&outcomes).any(|(one, outcome)| outcome.is_ok() && !one.batch.is_empty());
        let settled = self.shared.settled.load(Ordering::Relaxed);
        if passed || settled > state.committed.settled {
            self.unswept |= settled > state.committed.settled;
            state.progress.settled = settled;
            if self.unswept {
                let swept = connection
                    .prepare_cached(
                        "DELETE FROM outbox WHERE position IN \
                         (SELECT position FROM outbox WHERE position <= ?1 ORDER BY position LIMIT ?2)",
                    )?
                    .execute((signed(settled), rows(SWEEP)))?;
                self.unswept = swept == SWEEP;
            }
            state.write(connection)?;
        }
        self.shared.cache.begin(state.records.iter().map(|(key, _)| key));
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(outcomes)
    }

    /// Lets readers see what was committed, before those who submitted it hear of it.
    fn publish(&mut self) {
        let state = &mut self.state;
        state.committed = state.progress;
        if !state.records.is_empty() {
            self.shared.cache.finish(state.records.drain(..));
        }
        if !state.announced.is_empty() {
            self.shared.tail.push(std::mem::take(&mut state.announced));
            self.shared.newest.send_replace(Position(state.committed.position));
        }
    }

    fn checkpoint(&mut self) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages >= checkpoint::MOST {
            checkpoint::run(&self.connection);
        } else if pages >= self.wake_at {
            self.checkpointer.unpark();
        }
        self.wake_at = (pages / checkpoint::EVERY + 1) * checkpoint::EVERY;
    }
}
