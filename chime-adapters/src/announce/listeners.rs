//! Who is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chime_domain::ports::{AnnounceError, Announcer, EventTarget};
use chime_domain::text::Private;
use futures_util::future::join_all;

/// How long one target may take. The next events wait for it no longer than that, other targets not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells events in one way.
#[async_trait]
pub trait Listener: Send + Sync + std::fmt::Debug {
    /// Tells one event, a JSON text, to `to`: the ARN of a target of one meeting, or the name of a standing one.
    ///
    /// # Errors
    ///
    /// [`AnnounceError`].
    async fn hear(&self, to: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError>;
}

/// Everybody who is told, each by its own listener.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    standing: BTreeMap<Arc<str>, Arc<dyn Listener>>,
    queues: Option<Arc<dyn Listener>>,
    topics: Option<Arc<dyn Listener>>,
    functions: Option<Arc<dyn Listener>>,
}

impl Listeners {
    /// One more that hears of every meeting. Events that wait for it are kept under its name.
    #[must_use]
    pub fn with_standing(mut self, name: &str, listener: Arc<dyn Listener>) -> Self {
        self.standing.insert(name.into(), listener);
        self
    }

    /// What tells the queues that meetings name.
    #[must_use]
    pub fn with_queues(mut self, listener: Arc<dyn Listener>) -> Self {
        self.queues = Some(listener);
        self
    }

    /// What tells the topics that meetings name.
    #[must_use]
    pub fn with_topics(mut self, listener: Arc<dyn Listener>) -> Self {
        self.topics = Some(listener);
        self
    }

    /// What tells the functions that meetings name.
    #[must_use]
    pub fn with_functions(mut self, listener: Arc<dyn Listener>) -> Self {
        self.functions = Some(listener);
        self
    }

    fn listener<'a>(&'a self, target: &'a EventTarget) -> (Option<&'a Arc<dyn Listener>>, &'a str) {
        match target {
            EventTarget::Standing(name) => (self.standing.get(name), name),
            EventTarget::Queue(arn) => (self.queues.as_ref(), arn),
            EventTarget::Topic(arn) => (self.topics.as_ref(), arn),
            EventTarget::Function(arn) => (self.functions.as_ref(), arn),
        }
    }

    async fn tell_one(&self, event: &Private<Vec<u8>>, target: &EventTarget) -> Result<(), AnnounceError> {
        let (listener, to) = self.listener(target);
        let listener =
            listener.ok_or_else(|| AnnounceError::Refused("such targets are not told any more".into()))?;
        let told = tokio::time::timeout(PATIENCE, listener.hear(to, event)).await;
        told.unwrap_or_else(|_| Err(AnnounceError::Unreachable("it takes too long".into())))
    }
}

#[async_trait]
impl Announcer for Listeners {
    fn standing(&self) -> Vec<EventTarget> {
        self.standing.keys().cloned().map(EventTarget::Standing).collect()
    }

    fn takes(&self, target: &EventTarget) -> bool {
        self.listener(target).0.is_some()
    }

    async fn tell(
        &self,
        event: &Private<Vec<u8>>,
        targets: &[EventTarget],
    ) -> Vec<Result<(), AnnounceError>> {
        join_all(targets.iter().map(|target| self.tell_one(event, target))).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Noted(Mutex<Vec<String>>);

    #[async_trait]
    impl Listener for Noted {
        async fn hear(&self, to: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
            let text = String::from_utf8(event.0.clone()).unwrap();
            self.0.lock().unwrap().push(format!("{to} {text}"));
            Ok(())
        }
    }

    #[derive(Debug)]
    struct Stuck;

    #[async_trait]
    impl Listener for Stuck {
        async fn hear(&self, _: &str, _: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn evt_02_and_07_one_that_is_stuck_holds_up_no_other_and_all_get_the_same() {
        let noted = Arc::new(Noted::default());
        let listeners = Listeners::default()
            .with_standing("stuck", Arc::new(Stuck))
            .with_standing("bus", noted.clone())
            .with_queues(noted.clone());
        let (queue, topic) = (EventTarget::Queue("q".into()), EventTarget::Topic("t".into()));
        assert!(listeners.takes(&queue) && !listeners.takes(&topic));
        let mut targets = listeners.standing();
        targets.extend([queue, topic, EventTarget::Standing("gone".into())]);
        let told = listeners.tell(&Private(b"{}".to_vec()), &targets).await;
        assert_eq!(*noted.0.lock().unwrap(), ["bus {}", "q {}"]);
        use AnnounceError::{Refused, Unreachable};
        assert!(
            matches!(
                told.as_slice(),
                [Ok(()), Err(Unreachable(_)), Ok(()), Err(Refused(_)), Err(Refused(_))]
            ),
            "{told:?}"
        );
    }
}
