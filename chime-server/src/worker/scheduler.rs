//! Runs tasks when they fall due, by the clock port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chime_domain::error::ServiceError;
use chime_domain::flow::{Chime, Lane};
use prometheus::IntCounterVec;
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::ops::{Condition, Health};
use crate::shutdown::Shutdown;

/// How often the list of tasks is looked at although nothing is known to be due: other nodes add tasks too.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tasks that wait for others at once.
const AT_ONCE: usize = 32;

/// How long a deletion waits for what it leaves behind.
const NUDGE: Duration = Duration::from_secs(1);

/// A lane whose tasks run one after the other.
#[derive(Debug)]
struct Line {
    lane: Lane,
    /// Held while they run, so that who asks for all that is due to be done does not meet another's lease.
    running: Mutex<()>,
    /// The store failed the last that ran.
    failing: AtomicBool,
}

impl Line {
    fn new(lane: Lane) -> Self {
        Self { lane, running: Mutex::default(), failing: AtomicBool::new(false) }
    }
}

/// Runs what falls due. Clones share it, and only one of them runs the tasks of a line at a time.
#[derive(Clone, Debug)]
pub struct Scheduler {
    chime: Chime,
    health: Health,
    counted: IntCounterVec,
    /// Says that a task of the outward lane was just scheduled.
    outward: Arc<Notify>,
    inward: Arc<Line>,
    patient: Arc<Line>,
}

impl Scheduler {
    pub(crate) fn new(chime: Chime, health: Health, counted: IntCounterVec) -> Self {
        let line = |lane| Arc::new(Line::new(lane));
        let (inward, patient) = (line(Lane::Inward), line(Lane::Patient));
        Self { chime, health, counted, outward: Arc::default(), inward, patient }
    }

    /// Runs everything that is due now, and what becomes due through it; returns how many tasks ran.
    ///
    /// # Errors
    ///
    /// The first error of a task. The others ran all the same, and it will be tried again.
    pub async fn run_due(&self) -> Result<usize, ServiceError> {
        let mut ran = 0;
        loop {
            // Those who wait for others hold nothing up: leases alone keep them from being run twice.
            let inward = self.run_line(&self.inward).await?;
            let outward = self.counted(self.chime.run_due_in(&[Lane::Outward]).await)?;
            let patient = self.run_line(&self.patient).await?;
            ran += inward + outward + patient;
            if inward + outward + patient == 0 {
                return Ok(ran);
            }
        }
    }

    async fn run_line(&self, line: &Line) -> Result<usize, ServiceError> {
        let _one_at_a_time = line.running.lock().await;
        self.counted(self.chime.run_due_in(&[line.lane]).await)
    }

    fn counted(&self, done: Result<usize, ServiceError>) -> Result<usize, ServiceError> {
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
        let due = tokio::spawn(async move { scheduler.run_line(&scheduler.patient).await });
        // An error is the scheduler's to report: it meets it again on its next round.
        let _ = tokio::time::timeout(NUDGE, due).await;
    }

    /// Something that others are to be told of was just scheduled.
    pub(crate) fn nudge_outward(&self) {
        self.outward.notify_one();
    }

    /// Runs the tasks that wait for others, several at once, until draining begins. One that was begun is finished.
    pub async fn run_outward(self, shutdown: Shutdown) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        while !shutdown.is_draining() {
            match self.chime.claim_due(Lane::Outward, places.available_permits()).await {
                Ok(claimed) => {
                    for claimed in claimed {
                        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                        let (scheduler, guard) = (self.clone(), shutdown.guard());
                        tokio::spawn(async move {
                            let outcome = match scheduler.chime.run_claimed(claimed).await {
                                Ok(()) => "done",
                                Err(error) => {
                                    tracing::warn!(%error, "a task failed and will be tried again");
                                    "failed"
                                }
                            };
                            scheduler.counted.with_label_values(&[outcome]).inc();
                            // What it goes on with may be due at once.
                            scheduler.nudge_outward();
                            drop((place, guard));
                        });
                    }
                }
                Err(error) => tracing::warn!(%error, "due tasks cannot be read now"),
            }
            tokio::select! {
                () = self.outward.notified() => {}
                () = self.wait(Lane::Outward) => {}
                () = shutdown.draining() => {}
            }
        }
    }

    /// Runs the tasks that wait for the store alone and not for long, until draining begins. One that was begun is
    /// finished.
    pub async fn run(self, shutdown: Shutdown) {
        self.run_one_by_one(&self.inward, shutdown).await;
    }

    /// Runs the tasks that take long, until draining begins. One that was begun is finished.
    pub async fn run_patient(self, shutdown: Shutdown) {
        self.run_one_by_one(&self.patient, shutdown).await;
    }

    async fn run_one_by_one(&self, line: &Line, shutdown: Shutdown) {
        self.tell(line, false);
        let mut failing = false;
        while !shutdown.is_draining() {
            match self.run_line(line).await {
                Ok(_) => {
                    failing = false;
                    self.tell(line, false);
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "a task failed and will be tried again");
                    }
                    failing = true;
                    if matches!(error, ServiceError::Store(_)) {
                        self.tell(line, true);
                    }
                }
            }
            tokio::select! {
                () = self.wait(line.lane) => {}
                () = shutdown.draining() => {}
            }
        }
        self.health.set_scheduler(Condition::Bad("stopped"));
    }

    /// Says whether the store fails tasks of any line.
    fn tell(&self, line: &Line, failing: bool) {
        line.failing.store(failing, Ordering::Relaxed);
        let any = [&self.inward, &self.patient].iter().any(|line| line.failing.load(Ordering::Relaxed));
        self.health.set_scheduler(if any { Condition::Bad("tasks fail") } else { Condition::Good });
    }

    async fn wait(&self, lane: Lane) {
        let next = self.chime.next_due(lane).await.ok().flatten();
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

#[cfg(test)]
mod tests {
    use chime_adapters::memory::MemoryStore;
    use chime_adapters::{SystemEntropy, TestClock};
    use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
    use chime_domain::ids::{AppInstanceUserId, ClientRequestToken};
    use chime_domain::meetings::{CreateMeeting, Meeting};
    use chime_domain::messaging::CreateChannel;
    use chime_domain::ports::Clock;
    use chime_domain::text::{ResourceName, UserName};
    use chime_domain::time::Timestamp;

    use super::*;
    use crate::{App, AppOptions};

    async fn ends(chime: &Chime, meeting: &Meeting) {
        let ended = async {
            while chime.meetings().get_meeting(&meeting.id).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    }

    #[tokio::test]
    async fn a_meeting_ends_while_a_purge_waits_for_its_turn() {
        let clock = Arc::new(TestClock::frozen(Timestamp::from_millis(1_600_000_000_000)));
        let handle = Arc::clone(&clock) as Arc<dyn Clock>;
        let chime = Chime::shared(Arc::new(MemoryStore::new()), handle, Arc::new(SystemEntropy));
        let chime = chime.build().await.unwrap();
        let name = || ResourceName::new("name").unwrap();
        let app = chime.identity().create_app_instance(CreateAppInstance::new(name())).await.unwrap();
        let id = AppInstanceUserId::new("alice").unwrap();
        let alice = CreateAppInstanceUser::new(app.clone(), id, UserName::new("alice").unwrap());
        let alice = chime.identity().create_app_instance_user(alice).await.unwrap();
        let creation = CreateChannel::new(app, name());
        let channel = chime.messaging(&alice).create_channel(creation).await.unwrap();
        let token = ClientRequestToken::new("token").unwrap();
        let meeting = chime.meetings().create_meeting(&CreateMeeting::new(token)).await.unwrap();
        chime.messaging(&alice).delete_channel(&channel).await.unwrap();

        let server = App::new(chime.clone(), AppOptions::default());
        let (scheduler, shutdown) = (server.scheduler(), server.shutdown().clone());
        let turn = scheduler.patient.running.lock().await;
        let timers = tokio::spawn(scheduler.clone().run(shutdown.clone()));
        let patient = tokio::spawn(scheduler.clone().run_patient(shutdown.clone()));
        clock.advance(Duration::from_secs(301));
        ends(&chime, &meeting).await;
        let purge = chime.next_due(Lane::Patient).await.unwrap();
        assert!(purge.is_some_and(|due| due < chime.now()), "the purge was not behind anything");

        drop(turn);
        shutdown.drain();
        timers.await.unwrap();
        patient.await.unwrap();
        assert_eq!(chime.next_due(Lane::Patient).await.unwrap(), None, "what was begun is not finished");
    }
}
