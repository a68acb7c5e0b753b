//! Claims about a notifier. The suite cannot see what arrives; it claims what the caller sees.

use std::sync::Arc;

use super::run::{Run, drive};
use crate::ports::{Notification, Notifier};
use crate::text::Private;

type Subject = Arc<dyn Notifier>;

fn notification(recipient: &str, id: &str) -> Notification {
    Notification {
        recipient: Private(recipient.to_owned()),
        title: Private("A title".to_owned()),
        body: Private("A body,\nof two lines: é".to_owned()),
        id: id.to_owned(),
        ..Notification::default()
    }
}

pub async fn a_reachable_recipient_is_notified(notifier: Subject, recipient: &str) {
    notifier.notify(notification(recipient, "1")).await.unwrap();
}

pub async fn handing_one_over_again_is_well(notifier: Subject, recipient: &str) {
    for _ in 0..3 {
        notifier.notify(notification(recipient, "again")).await.unwrap();
    }
}

pub fn several_threads_may_notify(notifier: Subject, recipient: &str, run: Run) {
    std::thread::scope(|scope| {
        for n in 0..4 {
            let notifier = &notifier;
            scope
                .spawn(move || drive(run, notifier.notify(notification(recipient, &n.to_string()))).unwrap());
        }
    });
}
