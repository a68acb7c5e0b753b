//! What waits for the writer: commits that somebody waits for, and those that can wait.
//!
//! # Our choices
//!
//! - A commit that can wait is made while no other waits, and is followed by a rest of nine times what it took, so that
//!   others meet it rarely and late by little. When others leave no gap, it joins them after a while.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chime_domain::error::StoreError;
use chime_domain::ports::{Batch, Committed};
use tokio::sync::oneshot;

use super::error::{busy, closed};

/// Batches that share one transaction at most, so that none waits long for the others.
const GROUP: usize = 512;
/// How many times as long as a patient commit the rest after it is.
const REST: u32 = 9;
/// The longest rest: a disk that was slow once does not make it longer.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long after its rest a patient commit waits for a gap.
const GAP: Duration = Duration::from_millis(100);

pub(super) type Outcome = Result<Committed, StoreError>;

/// A batch and where its outcome goes.
pub(super) struct Submission {
    pub(super) batch: Batch,
    pub(super) reply: oneshot::Sender<Outcome>,
}

/// What one transaction commits.
pub(super) struct Group {
    pub(super) submissions: Vec<Submission>,
    /// One of them could wait: [`Queue::rest`] is to be told how long they took.
    pub(super) patient: bool,
}

pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

struct Waiting {
    urgent: VecDeque<Submission>,
    patient: VecDeque<Submission>,
    /// How many of each may wait.
    capacity: usize,
    closed: bool,
    /// Until then nothing patient is committed.
    rest: Instant,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.lock();
        write!(f, "Queue({} and {} of {})", waiting.urgent.len(), waiting.patient.len(), waiting.capacity)
    }
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let (urgent, patient) = (VecDeque::new(), VecDeque::new());
        let waiting = Waiting { urgent, patient, capacity, closed: false, rest: now() };
        Self { waiting: Mutex::new(waiting), ready: Condvar::new() }
    }

    /// Hands a batch to the writer, patient or not.
    pub(super) fn submit(
        &self,
        batch: Batch,
        patient: bool,
    ) -> Result<oneshot::Receiver<Outcome>, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(closed());
        }
        let capacity = waiting.capacity;
        let line = if patient { &mut waiting.patient } else { &mut waiting.urgent };
        if line.len() >= capacity {
            return Err(busy("commits"));
        }
        line.push_back(Submission { batch, reply });
        drop(waiting);
        self.ready.notify_one();
        Ok(outcome)
    }

    /// Lets the writer end once nothing waits any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    /// What is to be committed next, as soon as there is something; `None` at the end.
    pub(super) fn take(&self) -> Option<Group> {
        let mut waiting = self.lock();
        loop {
            if let Some(group) = waiting.take(now()) {
                return Some(group);
            }
            if waiting.closed {
                return None;
            }
            let left = waiting.rest.saturating_duration_since(now());
            waiting = if waiting.patient.is_empty() {
                self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.ready.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
            };
        }
    }

    /// A group with a patient commit was made in this time.
    pub(super) fn rest(&self, took: Duration) {
        self.lock().rest = now() + (took * REST).min(LONGEST_REST);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self, now: Instant) -> Option<Group> {
        let count = self.urgent.len().min(GROUP);
        let mut submissions: Vec<_> = self.urgent.drain(..count).collect();
        let due = if submissions.is_empty() { self.rest } else { self.rest + GAP };
        let late = if self.closed || now >= due { self.patient.pop_front() } else { None };
        let patient = late.is_some();
        submissions.extend(late);
        (!submissions.is_empty()).then_some(Group { submissions, patient })
    }
}

#[expect(clippy::disallowed_methods, reason = "how long commits take is no matter of the clock port")]
pub(super) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (Queue, Instant) {
        let queue = Queue::new(2);
        let start = queue.lock().rest;
        (queue, start)
    }

    fn taken(queue: &Queue, at: Instant) -> Option<(usize, bool)> {
        queue.lock().take(at).map(|group| (group.submissions.len(), group.patient))
    }

    #[test]
    fn what_can_wait_rests_and_lets_others_pass() {
        let (queue, start) = queue();
        let _outcomes: Vec<_> =
            [true, true, false].map(|patient| queue.submit(Batch::default(), patient)).into();
        assert_eq!(taken(&queue, start), Some((1, false)), "who is waited for");
        assert_eq!(taken(&queue, start), Some((1, true)), "then one that could wait");
        queue.lock().rest = start + Duration::from_millis(900);
        assert_eq!(taken(&queue, start + Duration::from_millis(899)), None);
        let _outcome = queue.submit(Batch::default(), false);
        assert_eq!(taken(&queue, start + Duration::from_millis(950)), Some((1, false)), "it waits for a gap");
        let _outcome = queue.submit(Batch::default(), false);
        assert_eq!(taken(&queue, start + Duration::from_millis(1000)), Some((2, true)), "but not for ever");
        assert_eq!(taken(&queue, start + Duration::from_secs(9)), None);
    }

    #[test]
    fn each_line_has_its_bound_and_the_end_waits_for_both() {
        let (queue, start) = queue();
        queue.lock().rest = start + Duration::from_secs(3600);
        for patient in [true, false] {
            let _outcomes = [(); 2].map(|()| queue.submit(Batch::default(), patient).unwrap());
            assert!(queue.submit(Batch::default(), patient).is_err());
        }
        queue.close();
        assert!(queue.submit(Batch::default(), false).is_err());
        assert_eq!(queue.take().map(|group| group.submissions.len()), Some(3));
        assert_eq!(queue.take().map(|group| group.submissions.len()), Some(1), "no rest at the end");
        assert!(queue.take().is_none());
    }
}
