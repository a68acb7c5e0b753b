//! Notifications that leave the system towards people: mail, push.

use std::collections::BTreeMap;

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

/// What a device is reached by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The service: `APNS`, `APNS_SANDBOX` or `GCM`.
    pub service: &'static str,
    /// ARN of the application that it was registered with.
    pub application: String,
    /// It is to ring as for a call.
    pub call: bool,
}

/// One notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// Who is told: an address the adapter understands, or the token of a device.
    pub recipient: Private<String>,
    /// How the device is reached, if it is one.
    pub device: Option<Device>,
    /// A line.
    pub title: Private<String>,
    /// The text.
    pub body: Private<String>,
    /// What the application on the device is told beside it.
    pub data: BTreeMap<String, String>,
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

    /// Hands several over, and says of each what came of it, in their order. An adapter that waits for others does so
    /// for all at once.
    async fn notify_all(&self, notifications: Vec<Notification>) -> Vec<Result<(), NotifyError>> {
        let mut outcomes = Vec::with_capacity(notifications.len());
        for notification in notifications {
            outcomes.push(self.notify(notification).await);
        }
        outcomes
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNotifier;

#[async_trait]
impl Notifier for NoNotifier {
    async fn notify(&self, _: Notification) -> Result<(), NotifyError> {
        Ok(())
    }
}
