//! Streaming export: the pump from the outbox to the queues, and the drains from the queues to the sink.

mod drains;
mod pause;
mod pump;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

pub(super) use drains::drain_all;
pub(super) use pump::pump;

/// Wakes the drains of app instances of which something was queued. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Wakers {
    by_app_instance: Arc<Mutex<HashMap<String, Vec<Arc<Notify>>>>>,
    /// Who starts drains.
    all: Arc<Notify>,
}

impl Wakers {
    /// A waker for a drain of an app instance.
    fn add(&self, app_instance_id: &str) -> Arc<Notify> {
        let waker = Arc::new(Notify::new());
        let mut all = self.by_app_instance.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(app_instance_id.to_owned()).or_default().push(Arc::clone(&waker));
        waker
    }

    fn remove(&self, app_instance_id: &str, waker: &Arc<Notify>) {
        let mut all = self.by_app_instance.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wakers) = all.get_mut(app_instance_id) {
            wakers.retain(|one| !Arc::ptr_eq(one, waker));
            if wakers.is_empty() {
                all.remove(app_instance_id);
            }
        }
    }

    /// Something was queued of these app instances.
    fn wake<'a>(&self, app_instance_ids: impl IntoIterator<Item = &'a String>) {
        let all = self.by_app_instance.lock().unwrap_or_else(PoisonError::into_inner);
        for id in app_instance_ids {
            match all.get(id) {
                Some(wakers) => wakers.iter().for_each(|waker| waker.notify_one()),
                None => self.all.notify_one(),
            }
        }
    }
}
