//! Stopping: first drain, then force; and knowing when the last one is done.

use std::sync::Arc;

use tokio::sync::watch;

/// How far stopping has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Draining,
    Forced,
}

/// Tells everything that runs in the background when to stop. Clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    phase: Arc<watch::Sender<Phase>>,
    tasks: Arc<watch::Sender<()>>,
}

/// Whoever holds one is waited for.
#[derive(Clone, Debug)]
#[must_use]
pub struct Guard {
    _held: watch::Receiver<()>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { phase: Arc::new(watch::Sender::new(Phase::Running)), tasks: Arc::new(watch::Sender::new(())) }
    }
}

impl Shutdown {
    /// No more new work: finish what was begun.
    pub fn drain(&self) {
        self.reach(Phase::Draining);
    }

    /// Give up what was begun.
    pub fn force(&self) {
        self.reach(Phase::Forced);
    }

    /// Waits until draining begins.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until work is given up.
    pub async fn forced(&self) {
        self.reached(Phase::Forced).await;
    }

    /// Whether draining has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.phase.borrow() >= Phase::Draining
    }

    /// Makes [`Shutdown::finished`] wait for the holder.
    pub fn guard(&self) -> Guard {
        Guard { _held: self.tasks.subscribe() }
    }

    /// Waits until nobody holds a guard.
    pub async fn finished(&self) {
        self.tasks.closed().await;
    }

    fn reach(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let moves = *now < phase;
            *now = phase.max(*now);
            moves
        });
    }

    async fn reached(&self, phase: Phase) {
        // The sender is `self`, so the channel does not close while this waits.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn draining_waits_for_guards_and_forcing_is_told_to_their_holders() {
        let shutdown = Shutdown::default();
        let guard = shutdown.guard();
        let holder = shutdown.clone();
        let task = tokio::spawn(async move {
            holder.forced().await;
            drop(guard);
        });
        shutdown.drain();
        shutdown.draining().await;
        assert!(!task.is_finished());
        shutdown.force();
        shutdown.drain();
        shutdown.finished().await;
        task.await.unwrap();
        assert!(shutdown.is_draining());
    }
}
