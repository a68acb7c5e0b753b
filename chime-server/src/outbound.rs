//! Calls that leave the server, with a line in the log for those that come to nothing.

use std::sync::Arc;

use async_trait::async_trait;
use chime_domain::ports::{Functions, Invocation, InvokeError, Notification, Notifier, NotifyError};
use chime_domain::text::Private;

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
