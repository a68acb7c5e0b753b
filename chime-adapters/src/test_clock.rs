//! A clock that a test may move forwards.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use chime_domain::ports::Clock;
use chime_domain::time::Timestamp;
use tokio::sync::watch;

/// A clock with an offset that only grows, over another clock or over a moment that stands still.
#[derive(Debug)]
pub struct TestClock {
    inner: Arc<dyn Clock>,
    offset: watch::Sender<Duration>,
}

impl TestClock {
    /// Time flows as on `inner`, and may be advanced beyond it.
    #[must_use]
    pub fn over(inner: Arc<dyn Clock>) -> Self {
        Self { inner, offset: watch::Sender::new(Duration::ZERO) }
    }

    /// Time stands still at `at` until it is advanced. Needs no runtime.
    #[must_use]
    pub fn frozen(at: Timestamp) -> Self {
        Self::over(Arc::new(Frozen(at)))
    }

    /// Moves the clock forwards and wakes those who waited for a moment that is reached now.
    pub fn advance(&self, by: Duration) {
        self.offset.send_modify(|offset| *offset = offset.saturating_add(by));
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.inner.now() + *self.offset.borrow()
    }

    async fn until(&self, at: Timestamp) {
        let mut moved = self.offset.subscribe();
        loop {
            let offset = *moved.borrow_and_update();
            if self.inner.now() + offset >= at {
                return;
            }
            let mut flowed = pin!(self.inner.until(at - offset));
            let mut moved = pin!(moved.changed());
            poll_fn(|context| {
                let ready =
                    flowed.as_mut().poll(context).is_ready() || moved.as_mut().poll(context).is_ready();
                if ready { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}

#[derive(Debug)]
struct Frozen(Timestamp);

#[async_trait]
impl Clock for Frozen {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn until(&self, at: Timestamp) {
        if at > self.0 {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use chime_domain::conformance::{Task, block_on};
    use tokio::runtime::Runtime;

    use super::*;
    use crate::SystemClock;

    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
    });

    /// Drives a task on a runtime that can sleep.
    pub(crate) fn run(task: Task<'_>) {
        RUNTIME.block_on(task);
    }

    chime_domain::clock_conformance!(run = run, async { TestClock::over(Arc::new(SystemClock)) });

    const NOON: Timestamp = Timestamp::from_millis(1_600_000_000_000);
    const MONTH: Duration = Duration::from_secs(30 * 86_400);

    #[test]
    fn a_frozen_clock_moves_by_what_it_is_advanced() {
        let clock = TestClock::frozen(NOON);
        assert_eq!(clock.now(), NOON);
        clock.advance(MONTH);
        assert_eq!(clock.now(), NOON + MONTH);
    }

    #[test]
    fn one_who_waits_for_next_month_is_woken_by_advancing_a_month_and_not_before() {
        let clock = TestClock::frozen(NOON);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| block_on(Box::pin(clock.until(NOON + MONTH))));
            clock.advance(MONTH - Duration::from_millis(1));
            assert!(!waiter.is_finished());
            clock.advance(Duration::from_millis(1));
            waiter.join().unwrap();
        });
    }

    #[test]
    fn a_clock_over_the_system_clock_flows_and_jumps() {
        let clock = TestClock::over(Arc::new(SystemClock));
        let start = clock.now();
        run(Box::pin(clock.until(start + Duration::from_millis(5))));
        assert!(clock.now() >= start + Duration::from_millis(5));
        clock.advance(MONTH);
        run(Box::pin(clock.until(start + MONTH)));
        assert!(clock.now() >= start + MONTH);
    }
}
