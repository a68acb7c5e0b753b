//! Runs tasks when they fall due, by the clock port.

use std::sync::Arc;
use std::time::Duration;

use chime_domain::error::ServiceError;
use chime_domain::flow::Chime;
use prometheus::IntCounterVec;
use tokio::sync::Mutex;

use crate::ops::{Condition, Health};
use crate::shutdown::Shutdown;

/// How often the list of tasks is looked at although nothing is known to be due: other nodes add tasks too.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a deletion waits for what it leaves behind.
const NUDGE: Duration = Duration::from_secs(1);

/// Runs what falls due. Clones share it, and only one of them runs tasks at a time.
#[derive(Clone, Debug)]
pub struct Scheduler {
    chime: Chime,
    health: Health,
    counted: IntCounterVec,
    /// Held while tasks run, so that who asks for all that is due to be done does not meet another's lease.
    running: Arc<Mutex<()>>,
}

impl Scheduler {
    pub(crate) fn new(chime: Chime, health: Health, counted: IntCounterVec) -> Self {
        Self { chime, health, counted, running: Arc::default() }
    }

    /// Runs everything that is due now, and what becomes due through it; returns how many tasks ran.
    ///
    /// # Errors
    ///
    /// The first error of a task. The others ran all the same, and it will be tried again.
    pub async fn run_due(&self) -> Result<usize, ServiceError> {
        let _one_at_a_time = self.running.lock().await;
        let done = self.chime.run_due().await;
        match &done {
            Ok(tasks) => self.counted.with_label_values(&["done"]).inc_by(*tasks as u64),
            Err(_) => self.counted.with_label_values(&["failed"]).inc(),
        }
        done
    }

    /// Gives what was just scheduled a moment to be done, so that whoever deleted something and looks again finds
    /// nothing left of it. What takes longer goes on behind the answer.
    pub(crate) async fn nudge(&self) {
        let scheduler = self.clone();
        let due = tokio::spawn(async move { scheduler.run_due().await });
        // An error is the scheduler's to report: it meets it again on its next round.
        let _ = tokio::time::timeout(NUDGE, due).await;
    }

    /// Runs until draining begins. A task that was begun is finished.
    pub async fn run(self, shutdown: Shutdown) {
        self.health.set_scheduler(Condition::Good);
        let mut failing = false;
        while !shutdown.is_draining() {
            match self.run_due().await {
                Ok(_) => {
                    failing = false;
                    self.health.set_scheduler(Condition::Good);
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "a task failed and will be tried again");
                    }
                    failing = true;
                    if matches!(error, ServiceError::Store(_)) {
                        self.health.set_scheduler(Condition::Bad("tasks fail"));
                    }
                }
            }
            tokio::select! {
                () = self.wait() => {}
                () = shutdown.draining() => {}
            }
        }
        self.health.set_scheduler(Condition::Bad("stopped"));
    }

    async fn wait(&self) {
        let next = self.chime.next_due().await.ok().flatten();
        // A task that is due and did not run is leased by another, or failed: it has to wait like the rest.
        match next.filter(|next| *next > self.chime.now()) {
            Some(next) => {
                tokio::select! {
                    () = self.chime.clock().until(next) => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
