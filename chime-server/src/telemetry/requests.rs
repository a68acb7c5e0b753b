//! Requests as a collector of traces is told of them.
//!
//! They have a span of their own beside that of the log, so that what leaves the machine is written out here: the
//! operation, the status and the request's id. Where nobody collects traces, the span is disabled and costs nothing.

use http::{HeaderMap, StatusCode};
use tracing::{Span, field};

/// The target of these spans, which the log leaves out.
pub(super) const TARGET: &str = "chime_server::traces";

/// A request under way.
#[derive(Debug)]
pub(crate) struct Traced(Span);

impl Traced {
    /// One that begins now, as a part of the trace that its `traceparent` names, if that can be read.
    pub(crate) fn begin(headers: &HeaderMap, id: &str) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.kind = "server",
            otel.status_code = field::Empty,
            operation = field::Empty,
            request.id = id,
            http.response.status_code = field::Empty,
        );
        #[cfg(feature = "otlp")]
        super::otlp::belongs_to(&span, headers);
        #[cfg(not(feature = "otlp"))]
        let _ = headers;
        Self(span)
    }

    /// What happens for it belongs into this.
    pub(crate) fn span(&self) -> Span {
        self.0.clone()
    }

    /// It was answered.
    pub(crate) fn end(self, operation: &str, status: StatusCode) {
        #[cfg(feature = "otlp")]
        super::otlp::is_called(&self.0, operation);
        self.0.record("operation", operation);
        self.0.record("http.response.status_code", status.as_u16());
        // A refusal is an error of the caller, and its span is not one of ours.
        if status.is_server_error() {
            self.0.record("otel.status_code", "ERROR");
        }
    }
}
