//! What is counted. Every label is bounded: operations are those of the table.

use std::time::Duration;

use chime_domain::error::StoreError;
use http::StatusCode;
use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::export::ExportMetrics;

/// Upper bounds of latencies, in seconds.
const BUCKETS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    sessions: IntGauge,
    closed: IntCounterVec,
    deliveries: IntCounter,
    backlog: IntGauge,
    held_back: IntCounter,
    store_errors: IntCounterVec,
    relay_failures: IntCounter,
    tasks: IntCounterVec,
    ready: IntGaugeVec,
    client_events: IntCounterVec,
    export: ExportMetrics,
}

/// Makes a metric and registers it. Names are constants, and a test asks for each: were one malformed or taken, what it
/// counts would not be shown, and nothing else would be lost.
fn registered<M: Collector + Clone + 'static>(registry: &Registry, metric: M) -> M {
    let _ = registry.register(Box::new(metric.clone()));
    metric
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
    Ok(registered(registry, IntCounter::new(name, help)?))
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    Ok(registered(registry, IntCounterVec::new(Opts::new(name, help), labels)?))
}

impl Metrics {
    /// Fails for a name that is no name of a metric.
    fn try_new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let of = &registry;
        let seconds = HistogramOpts::new("chime_request_duration_seconds", "Time to answer, by operation");
        let sessions = IntGauge::new("chime_websocket_sessions", "WebSocket sessions that are open")?;
        let backlog = "Announcements that are committed and wait for the fan-out of this node";
        let ready =
            Opts::new("chime_ready", "1 when this part of the server works, by part, at the last probe");
        Ok(Self {
            requests: counters(
                of,
                "chime_requests_total",
                "Requests answered, by operation and outcome",
                &["operation", "outcome"],
            )?,
            seconds: registered(of, HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["operation"])?),
            sessions: registered(of, sessions),
            closed: counters(
                of,
                "chime_websocket_closed_total",
                "WebSocket sessions that the server closed or refused, by the close code",
                &["code"],
            )?,
            deliveries: counter(of, "chime_deliveries_total", "Frames given to WebSocket sessions to send")?,
            backlog: registered(of, IntGauge::new("chime_fanout_backlog", backlog)?),
            held_back: counter(
                of,
                "chime_sends_held_back_total",
                "Messages that were throttled because the fan-out was behind",
            )?,
            store_errors: counters(
                of,
                "chime_store_errors_total",
                "Requests that the store failed, by kind",
                &["kind"],
            )?,
            relay_failures: counter(
                of,
                "chime_relay_failures_total",
                "Times that announcements could not be carried on from the outbox",
            )?,
            tasks: counters(
                of,
                "chime_tasks_total",
                "Due tasks that were done, and rounds in which one failed",
                &["outcome"],
            )?,
            ready: registered(of, IntGaugeVec::new(ready, &["part"])?),
            client_events: counters(
                of,
                "chime_client_events_total",
                "Events that clients of meetings told of themselves, by name",
                &["event"],
            )?,
            export: ExportMetrics::new(of),
            registry,
        })
    }

    #[expect(
        clippy::expect_used,
        reason = "the names are constants that every test of the server makes metrics of"
    )]
    pub(crate) fn new() -> Self {
        Self::try_new().expect("the names of the metrics")
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
        self.sessions.add(by);
    }

    /// Frames were given to WebSocket sessions.
    pub(crate) fn delivered(&self, frames: u64) {
        self.deliveries.inc_by(frames);
    }

    /// So many announcements wait for the fan-out.
    pub(crate) fn backlog_is(&self, announcements: u64) {
        self.backlog.set(i64::try_from(announcements).unwrap_or(i64::MAX));
    }

    /// A sender was throttled because the fan-out was behind.
    pub(crate) fn held_back(&self) {
        self.held_back.inc();
    }

    /// A client of a meeting told an event of itself; its name is one of a few.
    pub(crate) fn client_event(&self, name: &'static str) {
        self.client_events.with_label_values(&[name]).inc();
    }

    /// A session was closed by the server, or refused.
    pub(crate) fn closed(&self, code: u16) {
        self.closed.with_label_values(&[code.to_string()]).inc();
    }

    /// The store failed a request.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        let kind = match error {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::Corrupt { .. } => "corrupt",
            StoreError::Conflict | StoreError::LimitReached { .. } => "contended",
        };
        self.store_errors.with_label_values(&[kind]).inc();
    }

    /// Counts the times that announcements could not be carried on.
    pub(crate) fn relay_failures(&self) -> IntCounter {
        self.relay_failures.clone()
    }

    /// Counts rounds of due tasks, by `done` and `failed`.
    pub(crate) fn tasks(&self) -> IntCounterVec {
        self.tasks.clone()
    }

    /// How a part of the server is.
    pub(crate) fn ready(&self, part: &str, good: bool) {
        self.ready.with_label_values(&[part]).set(i64::from(good));
    }

    /// A request was answered.
    pub(crate) fn request(&self, operation: &str, status: StatusCode, took: Duration) {
        let outcome = match status.as_u16() {
            429 => "throttled",
            200..=399 => "ok",
            400..=499 => "refused",
            _ => "failed",
        };
        self.requests.with_label_values(&[operation, outcome]).inc();
        self.seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
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
        metrics.closed(1013);
        metrics.store_failed(&StoreError::Conflict);
        metrics.relay_failures().inc();
        metrics.tasks().with_label_values(&["done"]).inc_by(3);
        metrics.tasks().with_label_values(&["failed"]).inc();
        metrics.ready("store", true);
        metrics.client_event("meetingEnded");
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
            r#"chime_client_events_total{event="meetingEnded"} 1"#,
            r#"chime_requests_total{operation="unknown",outcome="refused"} 1"#,
            r#"chime_request_duration_seconds_bucket{operation="CreateChannel",le="0.005"} 3"#,
            "chime_websocket_sessions 1",
            "chime_deliveries_total 7",
            "chime_fanout_backlog 9",
            "chime_sends_held_back_total 1",
            r#"chime_websocket_closed_total{code="1013"} 1"#,
            r#"chime_store_errors_total{kind="contended"} 1"#,
            "chime_relay_failures_total 1",
            r#"chime_tasks_total{outcome="done"} 3"#,
            r#"chime_tasks_total{outcome="failed"} 1"#,
            r#"chime_ready{part="store"} 1"#,
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
