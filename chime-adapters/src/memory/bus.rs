//! The event bus within one process.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chime_domain::error::StoreError;
use chime_domain::ports::{Announced, Bus, Subscription};
use tokio::sync::mpsc;

/// Runs that may wait for one subscriber before publishers wait for it.
const DEFAULT_CAPACITY: usize = 256;

/// Carries announcements between the parts of one process.
///
/// Each subscriber has a bounded queue; [`Bus::publish`] waits while one is full, so that nothing is lost and memory
/// stays bounded. Runs of concurrent publishers reach all subscribers in one order.
#[derive(Debug)]
pub struct InProcessBus {
    capacity: usize,
    subscribers: Mutex<Vec<mpsc::Sender<Arc<[Announced]>>>>,
    /// Held while a run is handed over: publishers take turns.
    turn: tokio::sync::Mutex<()>,
}

impl Default for InProcessBus {
    fn default() -> Self {
        Self::new()
    }
}

impl InProcessBus {
    /// A bus without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A bus where `capacity` runs may wait for each subscriber; at least one.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), subscribers: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn publish(&self, run: Arc<[Announced]>) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut gone = false;
        for subscriber in subscribers {
            gone |= subscriber.send(Arc::clone(&run)).await.is_err();
        }
        if gone {
            let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
            subscribers.retain(|subscriber| !subscriber.is_closed());
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StoreError> {
        let (sender, receiver) = mpsc::channel(self.capacity);
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Ok(Box::new(Receiver(receiver)))
    }
}

struct Receiver(mpsc::Receiver<Arc<[Announced]>>);

#[async_trait]
impl Subscription for Receiver {
    async fn next(&mut self) -> Option<Arc<[Announced]>> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use chime_domain::conformance::block_on;

    use super::*;

    chime_domain::bus_conformance!(async { InProcessBus::new() });

    fn run() -> Arc<[Announced]> {
        Arc::new([])
    }

    fn look<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_publisher_waits_while_a_subscriber_is_full_and_goes_on_when_it_reads() {
        let bus = InProcessBus::with_capacity(1);
        block_on(Box::pin(async {
            let mut subscription = bus.subscribe().await.unwrap();
            bus.publish(run()).await.unwrap();
            {
                let mut second = pin!(bus.publish(run()));
                assert!(look(second.as_mut()).is_pending());
                assert!(subscription.next().await.is_some());
                assert!(matches!(look(second.as_mut()), Poll::Ready(Ok(()))));
            }
            assert!(subscription.next().await.is_some());
        }));
    }

    #[test]
    fn a_subscription_ends_with_its_bus() {
        block_on(Box::pin(async {
            let bus = InProcessBus::new();
            let mut subscription = bus.subscribe().await.unwrap();
            bus.publish(run()).await.unwrap();
            drop(bus);
            assert!(subscription.next().await.is_some());
            assert!(subscription.next().await.is_none());
        }));
    }
}
