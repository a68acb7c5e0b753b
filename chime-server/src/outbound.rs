//! Calls that leave the server, with a line in the log for those that come to nothing.

use std::sync::Arc;

use async_trait::async_trait;
use chime_domain::ports::{
    AnnounceError, Announcer, EventTarget, Functions, Invocation, InvokeError, Lex, LexError, LexReply,
    Notification, Notifier, NotifyError, Utterance,
};
use chime_domain::text::Private;
use prometheus::IntCounterVec;

/// Functions whose failures are logged.
#[derive(Debug)]
pub(crate) struct LoggedFunctions(pub(crate) Arc<dyn Functions>);

#[async_trait]
impl Functions for LoggedFunctions {
    async fn invoke(&self, invocation: Invocation) -> Result<Private<Vec<u8>>, InvokeError> {
        let function = Arc::clone(&invocation.function);
        let outcome = self.0.invoke(invocation).await;
        if let Err(error) = &outcome {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(%function, %error, cause, "a function could not be called");
        }
        outcome
    }
}

/// Lex bots whose failures are logged.
#[derive(Debug)]
pub(crate) struct LoggedLex(pub(crate) Arc<dyn Lex>);

#[async_trait]
impl Lex for LoggedLex {
    fn is_there(&self) -> bool {
        self.0.is_there()
    }

    async fn recognize_text(&self, utterance: Utterance) -> Result<LexReply, LexError> {
        let alias = Arc::clone(&utterance.alias);
        let outcome = self.0.recognize_text(utterance).await;
        if let Err(error) = &outcome {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(%alias, %error, cause, "a Lex bot has not answered");
        }
        outcome
    }
}

/// A notifier whose failures are logged, without naming devices.
#[derive(Debug)]
pub(crate) struct LoggedNotifier(pub(crate) Arc<dyn Notifier>);

impl LoggedNotifier {
    fn log(outcomes: &[Result<(), NotifyError>]) {
        let unavailable = |outcome: &Result<(), NotifyError>| match outcome {
            Err(NotifyError::Unavailable(cause)) => Some(cause.to_string()),
            _ => None,
        };
        let mut failed = outcomes.iter().filter_map(unavailable);
        if let Some(cause) = failed.next() {
            let count = failed.count() + 1;
            tracing::warn!(count, cause, "push notifications could not be handed over");
        }
    }
}

#[async_trait]
impl Notifier for LoggedNotifier {
    async fn notify(&self, notification: Notification) -> Result<(), NotifyError> {
        let outcome = self.0.notify(notification).await;
        Self::log(std::slice::from_ref(&outcome));
        outcome
    }

    async fn notify_all(&self, notifications: Vec<Notification>) -> Vec<Result<(), NotifyError>> {
        let outcomes = self.0.notify_all(notifications).await;
        Self::log(&outcomes);
        outcomes
    }
}

/// An announcer whose failures are logged, and who counts.
#[derive(Debug)]
pub(crate) struct LoggedAnnouncer {
    announcer: Arc<dyn Announcer>,
    counted: IntCounterVec,
}

impl LoggedAnnouncer {
    pub(crate) fn new(announcer: Arc<dyn Announcer>, counted: IntCounterVec) -> Self {
        Self { announcer, counted }
    }

    fn note(&self, target: &EventTarget, outcome: &Result<(), AnnounceError>) {
        let (kind, name) = match target {
            EventTarget::Standing(name) => (name.split('-').next().unwrap_or_default(), name),
            EventTarget::Queue(arn) => ("queue", arn),
            EventTarget::Topic(arn) => ("topic", arn),
            EventTarget::Function(arn) => ("function", arn),
        };
        let told = match outcome {
            Ok(()) => "told",
            Err(AnnounceError::Refused(_)) => "refused",
            Err(AnnounceError::Unreachable(_)) => "unreachable",
        };
        self.counted.with_label_values(&[kind, told]).inc();
        if let Err(error) = outcome {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(target.kind = kind, target.name = %name, %error, cause, "an event was not told");
        }
    }
}

#[async_trait]
impl Announcer for LoggedAnnouncer {
    fn standing(&self) -> Vec<EventTarget> {
        self.announcer.standing()
    }

    fn takes(&self, target: &EventTarget) -> bool {
        self.announcer.takes(target)
    }

    async fn tell(
        &self,
        event: &Private<Vec<u8>>,
        targets: &[EventTarget],
    ) -> Vec<Result<(), AnnounceError>> {
        let outcomes = self.announcer.tell(event, targets).await;
        for (target, outcome) in targets.iter().zip(&outcomes) {
            self.note(target, outcome);
        }
        outcomes
    }
}
