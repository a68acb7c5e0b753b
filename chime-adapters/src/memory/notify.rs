//! Notifications that go nowhere but into a list.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chime_domain::ports::{Notification, Notifier, NotifyError};

/// Records what it is given, each id once, for tests to look at.
#[derive(Debug, Default)]
pub struct MemoryNotifier {
    given: Mutex<Vec<Notification>>,
}

impl MemoryNotifier {
    /// A notifier that was given nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it was given, in order.
    #[must_use]
    pub fn given(&self) -> Vec<Notification> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Notifier for MemoryNotifier {
    async fn notify(&self, notification: Notification) -> Result<(), NotifyError> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.iter().all(|known| known.id != notification.id) {
            given.push(notification);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chime_domain::conformance::block_on;
    use chime_domain::text::Private;

    use super::*;

    chime_domain::notify_conformance!(async { MemoryNotifier::new() }, "alice@example.com");

    #[test]
    fn a_notification_handed_over_twice_is_one() {
        let notifier = MemoryNotifier::new();
        let notification = |id: &str| Notification {
            recipient: Private("alice@example.com".to_owned()),
            title: Private("title".to_owned()),
            body: Private("body".to_owned()),
            id: id.to_owned(),
            ..Notification::default()
        };
        block_on(Box::pin(async {
            for id in ["1", "2", "1"] {
                notifier.notify(notification(id)).await.unwrap();
            }
        }));
        assert_eq!(notifier.given(), [notification("1"), notification("2")]);
    }
}
