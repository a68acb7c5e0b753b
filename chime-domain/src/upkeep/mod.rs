//! Everything that happens later: retention, purges, expiry, forgetting.
//!
//! Each is a task in the store, claimed with a lease and driven by the clock port; so timers survive restarts, run once
//! in a cluster, and can be fast-forwarded.

mod expiry;
mod flows;
mod purge;
mod retention;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Lane, Loaded, Task, TaskKind, Token, load};
use crate::meetings;
use crate::messaging::{balance, bots, push};
use crate::ports::{Batch, Change, Guard, Key, Record, Scan};
use crate::time::Timestamp;

/// How long after whoever claimed a task was last heard of another may claim it.
const LEASE: Duration = Duration::from_secs(60);
/// How often whoever is at a task is heard of.
const RENEW: Duration = Duration::from_secs(20);
/// How long a task that failed waits before it is tried again.
const RETRY: Duration = Duration::from_secs(5);
const CHUNK: usize = 64;

/// A task that is somebody's to do.
#[derive(Debug)]
pub struct Claimed {
    task: Loaded<Task>,
    claimed: Loaded<Task>,
    _mine: Mine,
}

/// The tasks that this process is at. A clock that is moved ends leases, but not what is being done.
#[derive(Debug, Default)]
struct AtWork(Mutex<HashSet<Key>>);

/// One of them, for as long as it is held.
#[derive(Debug)]
struct Mine {
    all: Arc<AtWork>,
    key: Key,
}

impl AtWork {
    fn begin(self: &Arc<Self>, key: &Key) -> Option<Mine> {
        // What a panic leaves behind is a set of keys still.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.clone()).then(|| Mine { all: Arc::clone(self), key: key.clone() })
    }

    fn has(&self, key: &Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Chime {
    /// Does everything that is due, and what becomes due through it; returns how many tasks ran.
    ///
    /// # Errors
    ///
    /// The first error of a task, when there was one; the others ran all the same, and it will be tried again.
    pub async fn run_due(&self) -> Result<usize, ServiceError> {
        self.run_due_in(&[Lane::Inward, Lane::Outward, Lane::Patient]).await
    }

    /// The same for the tasks of some lanes.
    ///
    /// # Errors
    ///
    /// As [`Chime::run_due`].
    pub async fn run_due_in(&self, lanes: &[Lane]) -> Result<usize, ServiceError> {
        let mut ran = 0;
        let mut first_error = None;
        // A task that fails or is held by another node is put off, so every round has fewer left.
        loop {
            let tasks = self.due(lanes).await?;
            if tasks.is_empty() {
                break;
            }
            for (key, task) in tasks {
                let Some(claimed) = self.claim(&key, &task).await? else { continue };
                match self.run_claimed(claimed).await {
                    Ok(()) => ran += 1,
                    Err(error) => {
                        first_error.get_or_insert(error);
                    }
                }
            }
        }
        first_error.map_or(Ok(ran), Err)
    }

    /// Claims due tasks of a lane, at most so many; each is to be given to [`Chime::run_claimed`].
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn claim_due(&self, lane: Lane, at_most: usize) -> Result<Vec<Claimed>, StoreError> {
        let mut claimed = Vec::new();
        for (key, task) in self.due(&[lane]).await?.into_iter().take(at_most) {
            claimed.extend(self.claim(&key, &task).await?);
        }
        Ok(claimed)
    }

    /// Does a task that was claimed, and says when to go on with it, or to try it again. It stays claimed
    /// meanwhile. What another took all the same, as this process was not heard of, is left to that one.
    ///
    /// # Errors
    ///
    /// The task's own, after it was put off.
    pub async fn run_claimed(
        &self,
        Claimed { task, mut claimed, _mine }: Claimed,
    ) -> Result<(), ServiceError> {
        match self.run_leased(&task, &mut claimed).await {
            None => Ok(()),
            Some(Ok(next)) => Ok(self.finish(&claimed, next).await?),
            Some(Err(error)) => {
                self.put_off(&claimed, &task).await?;
                Err(error)
            }
        }
    }

    /// When the next task of a lane is due. `None` when there is none among the first of all lanes.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        let scan = Scan { prefix: "task/".into(), after: None, before: None, limit: CHUNK };
        let mut next = None;
        for (_, found) in self.store().scan(scan).await? {
            let task = found.record.read::<Task>()?;
            if task.kind.lane() == lane {
                let due = task.leased.map_or(task.due, |leased| leased.max(task.due));
                next = Some(next.map_or(due, |next: Timestamp| next.min(due)));
            }
        }
        Ok(next)
    }

    async fn due(&self, lanes: &[Lane]) -> Result<Vec<(Key, Loaded<Task>)>, StoreError> {
        let (now, at_work) = (self.now(), self.local::<AtWork>());
        let before = format!("task/{:015}", now.millis().max(0) + 1);
        let mut after = None;
        loop {
            let scan = Scan { prefix: "task/".into(), after, before: Some(before.clone()), limit: CHUNK };
            let found = self.store().scan(scan).await?;
            let full = found.len() == CHUNK;
            after = found.last().map(|(key, _)| key.clone());
            let mut free = Vec::new();
            for (key, record) in found {
                let task = Loaded::<Task>::decode(key.clone(), Some(record))?;
                let is_free = |task: &Task| task.leased.is_none_or(|leased| leased <= now);
                if !at_work.has(&key)
                    && task.get().is_some_and(|task| lanes.contains(&task.kind.lane()) && is_free(task))
                {
                    free.push((key, task));
                }
            }
            if !free.is_empty() || !full {
                return Ok(free);
            }
        }
    }

    async fn claim(&self, key: &Key, task: &Loaded<Task>) -> Result<Option<Claimed>, StoreError> {
        let Some(mine) = self.local::<AtWork>().begin(key) else { return Ok(None) };
        let claimed = self.lease(task).await?;
        Ok(claimed.map(|claimed| Claimed { task: task.clone(), claimed, _mine: mine }))
    }

    /// Begins a lease, or a lease anew. `None` when another was faster.
    async fn lease(&self, task: &Loaded<Task>) -> Result<Option<Loaded<Task>>, StoreError> {
        let Some(value) = task.get() else { return Ok(None) };
        let leased = Task { leased: Some(self.now() + LEASE), ..value.clone() };
        let batch = Batch {
            guards: vec![task.guard()],
            changes: vec![Change::Put(task.key().clone(), Record::of(leased.clone()))],
            announce: Vec::new(),
        };
        match self.store().commit(batch).await {
            Ok(_) => {
                let claimed = load::<Task>(self.store(), task.key().clone()).await?;
                Ok((claimed.get() == Some(&leased)).then_some(claimed))
            }
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a task and renews its lease meanwhile. `None` when the lease was lost: the task was given up.
    async fn run_leased(
        &self,
        task: &Loaded<Task>,
        claimed: &mut Loaded<Task>,
    ) -> Option<Result<Option<Task>, ServiceError>> {
        let mut running = pin!(self.run(task));
        loop {
            let rest = self.clock().until(self.now() + RENEW);
            if let Either::Left((done, _)) = select(running.as_mut(), rest).await {
                return Some(done);
            }
            // Both go on, as one may wait for what the other holds.
            let (done, renewed) = match select(running.as_mut(), pin!(self.lease(claimed))).await {
                // The record is at another revision once this took effect, and who is done has to know it.
                Either::Left((done, renewing)) => (Some(done), renewing.await),
                Either::Right((renewed, _)) => (None, renewed),
            };
            match renewed {
                Ok(Some(renewed)) => *claimed = renewed,
                Ok(None) if done.is_none() => return None,
                // The lease still lasts for another try, or the task is done.
                Ok(None) | Err(_) => {}
            }
            if done.is_some() {
                return done;
            }
        }
    }

    async fn finish(&self, claimed: &Loaded<Task>, next: Option<Task>) -> Result<(), StoreError> {
        let mut changes = vec![Change::Delete(claimed.key().clone())];
        changes.extend(next.map(|next| next.schedule()));
        self.settle_task(vec![claimed.guard()], changes).await
    }

    async fn put_off(&self, claimed: &Loaded<Task>, task: &Loaded<Task>) -> Result<(), StoreError> {
        let Some(task) = task.get() else { return Ok(()) };
        let again = Task { due: self.now() + RETRY, leased: None, ..task.clone() };
        self.settle_task(vec![claimed.guard()], vec![Change::Delete(claimed.key().clone()), again.schedule()])
            .await
    }

    async fn settle_task(&self, guards: Vec<Guard>, changes: Vec<Change>) -> Result<(), StoreError> {
        match self.store().commit(Batch { guards, changes, announce: Vec::new() }).await {
            // The lease ran out and another did it: tasks are idempotent, so nothing is lost.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn run(&self, task: &Loaded<Task>) -> Result<Option<Task>, ServiceError> {
        let Some(task) = task.get() else { return Ok(None) };
        match task.kind {
            TaskKind::ForgetToken => self.forget_token(task).await.map(|()| None),
            TaskKind::SweepRetention => retention::sweep(self, task).await,
            TaskKind::PurgeChannel => purge::channel(self, task).await,
            TaskKind::PurgeUser => purge::user(self, task).await,
            TaskKind::PurgeAppInstance => purge::app_instance(self, task).await,
            TaskKind::ExpireUser => expiry::user(self, task).await,
            TaskKind::ExpireChannel => expiry::channel(self, task).await,
            TaskKind::RunFlow => flows::run(self, task).await,
            TaskKind::BalanceElastic => balance(self, task).await,
            TaskKind::Push => push::run(self, task).await,
            TaskKind::AskBot => bots::run(self, task).await,
            TaskKind::ForgetFailedMessage => flows::forget(self, task).await,
            TaskKind::EndMeeting => meetings::run_timers(self, task).await,
            TaskKind::PurgeMeeting => meetings::purge(self, task).await,
            TaskKind::TellMeetingEvent => meetings::tell(self, task).await,
        }
    }

    async fn forget_token(&self, task: &Task) -> Result<(), ServiceError> {
        let Some(id) = task.subject.first() else { return Ok(()) };
        let token = load::<Token>(self.store(), Key::new("token", &[id])).await?;
        if token.get().is_some_and(|token| token.until <= self.now()) {
            self.settle_task(vec![token.guard()], vec![Change::Delete(token.key().clone())]).await?;
        }
        Ok(())
    }
}
