//! What is counted. Every label is bounded: operations are those of the table.

use std::time::Duration;

use http::StatusCode;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use super::export::ExportMetrics;

/// Upper bounds of latencies, in seconds.
const BUCKETS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Option<IntCounterVec>,
    seconds: Option<HistogramVec>,
    sessions: Option<IntGauge>,
    deliveries: Option<IntCounter>,
    backlog: Option<IntGauge>,
    held_back: Option<IntCounter>,
    export: ExportMetrics,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        // Only a name that is malformed or taken is refused, and the names are constants: a test asks for each.
        let requests = Opts::new("chime_requests_total", "Requests answered, by operation and outcome");
        let requests = IntCounterVec::new(requests, &["operation", "outcome"]).ok();
        let seconds = HistogramOpts::new("chime_request_duration_seconds", "Time to answer, by operation");
        let seconds = HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["operation"]).ok();
        let sessions = IntGauge::new("chime_websocket_sessions", "WebSocket sessions that are open").ok();
        if let Some(requests) = &requests {
            let _ = registry.register(Box::new(requests.clone()));
        }
        if let Some(seconds) = &seconds {
            let _ = registry.register(Box::new(seconds.clone()));
        }
        if let Some(sessions) = &sessions {
            let _ = registry.register(Box::new(sessions.clone()));
        }
        let deliveries =
            IntCounter::new("chime_deliveries_total", "Frames given to WebSocket sessions to send").ok();
        if let Some(deliveries) = &deliveries {
            let _ = registry.register(Box::new(deliveries.clone()));
        }
        let backlog = "Announcements that are committed and wait for the fan-out of this node";
        let backlog = IntGauge::new("chime_fanout_backlog", backlog).ok();
        if let Some(backlog) = &backlog {
            let _ = registry.register(Box::new(backlog.clone()));
        }
        let held_back = "Messages that were throttled because the fan-out was behind";
        let held_back = IntCounter::new("chime_sends_held_back_total", held_back).ok();
        if let Some(held_back) = &held_back {
            let _ = registry.register(Box::new(held_back.clone()));
        }
        let export = ExportMetrics::new(&registry);
        Self { registry, requests, seconds, sessions, deliveries, backlog, held_back, export }
    }

    /// Where other parts of the server register what they count.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Of streaming export.
    pub(crate) fn export(&self) -> &ExportMetrics {
        &self.export
    }

    /// One more WebSocket session, or one less.
    pub fn sessions_changed(&self, by: i64) {
        if let Some(sessions) = &self.sessions {
            sessions.add(by);
        }
    }

    /// Frames were given to WebSocket sessions.
    pub(crate) fn delivered(&self, frames: u64) {
        if let Some(deliveries) = &self.deliveries {
            deliveries.inc_by(frames);
        }
    }

    /// So many announcements wait for the fan-out.
    pub(crate) fn backlog_is(&self, announcements: u64) {
        if let Some(backlog) = &self.backlog {
            backlog.set(i64::try_from(announcements).unwrap_or(i64::MAX));
        }
    }

    /// A sender was throttled because the fan-out was behind.
    pub(crate) fn held_back(&self) {
        if let Some(held_back) = &self.held_back {
            held_back.inc();
        }
    }

    /// A request was answered.
    pub(crate) fn request(&self, operation: &str, status: StatusCode, took: Duration) {
        let outcome = match status.as_u16() {
            429 => "throttled",
            200..=399 => "ok",
            400..=499 => "refused",
            _ => "failed",
        };
        if let Some(requests) = &self.requests {
            requests.with_label_values(&[operation, outcome]).inc();
        }
        if let Some(seconds) = &self.seconds {
            seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
        }
    }

    /// Everything, in the text form of Prometheus.
    pub(crate) fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use chime_domain::export::Backlog;
    use chime_domain::time::Timestamp;

    use super::*;

    #[test]
    fn every_metric_is_there() {
        let metrics = Metrics::new();
        metrics.request("CreateChannel", StatusCode::CREATED, Duration::from_millis(3));
        metrics.request("CreateChannel", StatusCode::TOO_MANY_REQUESTS, Duration::ZERO);
        metrics.request("unknown", StatusCode::NOT_FOUND, Duration::ZERO);
        metrics.request("CreateChannel", StatusCode::INTERNAL_SERVER_ERROR, Duration::ZERO);
        metrics.sessions_changed(2);
        metrics.sessions_changed(-1);
        metrics.delivered(7);
        metrics.backlog_is(9);
        metrics.held_back();
        metrics.export().delivered(5);
        metrics.export().failed("throttled");
        let backlog = Backlog { length: 4, oldest: Some(Timestamp::from_millis(1_000)) };
        let gone = ("gone".to_owned(), Backlog::default());
        metrics.export().queues_are(&[gone, ("a".to_owned(), backlog)], Timestamp::from_millis(3_500));
        metrics.export().queues_are(&[("a".to_owned(), backlog)], Timestamp::from_millis(3_500));
        let text = metrics.render();
        for line in [
            r#"chime_requests_total{operation="CreateChannel",outcome="ok"} 1"#,
            r#"chime_requests_total{operation="CreateChannel",outcome="throttled"} 1"#,
            r#"chime_requests_total{operation="CreateChannel",outcome="failed"} 1"#,
            r#"chime_requests_total{operation="unknown",outcome="refused"} 1"#,
            r#"chime_request_duration_seconds_bucket{operation="CreateChannel",le="0.005"} 3"#,
            "chime_websocket_sessions 1",
            "chime_deliveries_total 7",
            "chime_fanout_backlog 9",
            "chime_sends_held_back_total 1",
            "chime_exported_total 5",
            r#"chime_export_failures_total{reason="throttled"} 1"#,
            r#"chime_export_queue_length{app_instance="a"} 4"#,
            r#"chime_export_oldest_seconds{app_instance="a"} 2.5"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("gone"), "{text}");
    }
}
