//! What is counted of streaming export.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use chime_domain::export::Backlog;
use chime_domain::time::Timestamp;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

/// The counters of streaming export. Queues are labelled with the id of their app instance: those that stream.
#[derive(Debug)]
pub(crate) struct ExportMetrics {
    length: Option<IntGaugeVec>,
    oldest: Option<GaugeVec>,
    delivered: Option<IntCounter>,
    failures: Option<IntCounterVec>,
    known: Mutex<BTreeSet<String>>,
}

impl ExportMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let length =
            Opts::new("chime_export_queue_length", "Events that wait to be exported, by app instance");
        let length = IntGaugeVec::new(length, &["app_instance"]).ok();
        let oldest = "Age of the oldest event that waits to be exported, by app instance";
        let oldest = Opts::new("chime_export_oldest_seconds", oldest);
        let oldest = GaugeVec::new(oldest, &["app_instance"]).ok();
        let delivered =
            IntCounter::new("chime_exported_total", "Events that a sink took from this node").ok();
        let failures =
            Opts::new("chime_export_failures_total", "Runs of events that a sink did not take whole");
        let failures = IntCounterVec::new(failures, &["reason"]).ok();
        // Only a name that is malformed or taken is refused, and the names are constants: a test asks for each.
        if let Some(length) = &length {
            let _ = registry.register(Box::new(length.clone()));
        }
        if let Some(oldest) = &oldest {
            let _ = registry.register(Box::new(oldest.clone()));
        }
        if let Some(delivered) = &delivered {
            let _ = registry.register(Box::new(delivered.clone()));
        }
        if let Some(failures) = &failures {
            let _ = registry.register(Box::new(failures.clone()));
        }
        Self { length, oldest, delivered, failures, known: Mutex::default() }
    }

    /// So much waits; of other app instances nothing does.
    pub(crate) fn queues_are(&self, backlogs: &[(String, Backlog)], now: Timestamp) {
        let (Some(length), Some(oldest)) = (&self.length, &self.oldest) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.iter().filter(|id| backlogs.iter().all(|(there, _)| there != *id)) {
            // It is not there when nothing was ever measured of it.
            let _ = length.remove_label_values(&[gone]);
            let _ = oldest.remove_label_values(&[gone]);
        }
        *known = backlogs.iter().map(|(id, _)| id.clone()).collect();
        for (id, backlog) in backlogs {
            length.with_label_values(&[id]).set(i64::try_from(backlog.length).unwrap_or(i64::MAX));
            let age = backlog.oldest.map_or(0.0, |oldest| now.epoch_seconds() - oldest.epoch_seconds());
            oldest.with_label_values(&[id]).set(age.max(0.0));
        }
    }

    /// A sink took events.
    pub(crate) fn delivered(&self, events: usize) {
        if let Some(delivered) = &self.delivered {
            delivered.inc_by(events as u64);
        }
    }

    /// A sink did not take a run whole.
    pub(crate) fn failed(&self, reason: &str) {
        if let Some(failures) = &self.failures {
            failures.with_label_values(&[reason]).inc();
        }
    }
}
