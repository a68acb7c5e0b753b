//! Notifications that leave the system towards people: mail, push.

use async_trait::async_trait;

use crate::error::Cause;
use crate::text::Private;

/// A notification could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The recipient will never be reachable like this.
    #[error("the recipient is not reachable")]
    Rejected,
    /// It may work later.
    #[error("the notifier is unavailable")]
    Unavailable(#[source] Cause),
}

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Who is told: an address the adapter understands.
    pub recipient: Private<String>,
    /// A line.
    pub title: Private<String>,
    /// The text.
    pub body: Private<String>,
    /// Two notifications with one id are one: adapters may hand it over again after a crash.
    pub id: String,
}

/// Hands notifications over.
#[async_trait]
pub trait Notifier: Send + Sync + std::fmt::Debug {
    /// Hands one over.
    ///
    /// # Errors
    ///
    /// [`NotifyError`].
    async fn notify(&self, notification: Notification) -> Result<(), NotifyError>;
}
