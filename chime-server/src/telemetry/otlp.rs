//! Traces to a collector that speaks OTLP over HTTP, as protobuf.
//!
//! A thread of its own hands over what was collected, some seconds later. Its queue is bounded, and spans that find it
//! full are dropped; so a collector that is slow or away costs traces and nothing else.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chime_adapters::outbound::{Outbound, OutboundClient, Trust};
use chime_domain::text::Private;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanExporter as _,
};
use tokio::runtime::Handle;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

use super::requests::TARGET;
use crate::config::Traces;

/// Spans that may wait to be handed over; further ones are dropped.
const QUEUE: usize = 2048;
/// Spans that are handed over at once.
const BATCH: usize = 512;
/// How long spans wait for others.
const DELAY: Duration = Duration::from_secs(2);
/// How long what is left may take at the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// What collects spans, and where it hands them over. What is left goes when this is dropped, within two seconds.
pub struct Tracing(SdkTracerProvider);

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracing").finish_non_exhaustive()
    }
}

impl Tracing {
    /// Collects by these settings; calls are made by `client` on the runtime of `handle`.
    ///
    /// # Errors
    ///
    /// The endpoint cannot be used.
    pub fn new(of: &Traces, client: OutboundClient, handle: Handle) -> Result<Self, ExporterBuildError> {
        let collector = Collector { client, handle, away: AtomicBool::new(false) };
        let headers = of.headers.iter().map(|(name, value)| (name.clone(), value.0.clone()));
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_endpoint(of.endpoint.as_str())
            .with_headers(headers.collect())
            .build()?;
        let resource = Resource::builder_empty()
            .with_service_name(of.service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY);
        exporter.set_resource(&resource);
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        // Whoever began a trace has decided whether it is kept.
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(of.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    /// What gives it the spans of requests, and nothing else.
    #[must_use]
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("chime-server"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
            .boxed()
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_WAIT) {
            tracing::debug!(%error, "the last traces cannot be handed over");
        }
    }
}

/// Makes a span a part of the trace that the headers name.
pub(super) fn belongs_to(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if context.span().span_context().is_valid() {
        // It fails for a span that has begun, which this one has not.
        let _ = span.set_parent(context);
    }
}

/// Names a span: the operation is known only after it has begun, and then its field for the name is not heeded.
pub(super) fn is_called(span: &Span, operation: &str) {
    if !span.is_disabled() {
        span.context().span().update_name(operation.to_owned());
    }
}

/// The collector. It is called from a thread without a runtime.
#[derive(Debug)]
struct Collector {
    client: OutboundClient,
    handle: Handle,
    away: AtomicBool,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let call = self.handle.spawn(async move { call(&client, request).await });
        let answer = call.await.map_err(HttpError::from).and_then(|answer| answer);
        let problem = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        };
        // Once for each spell.
        match (&problem, self.away.swap(problem.is_some(), Ordering::Relaxed)) {
            (Some(problem), false) => tracing::warn!(problem, "traces cannot be handed over"),
            (None, true) => tracing::info!("traces are handed over again"),
            _ => {}
        }
        answer
    }
}

async fn call(client: &OutboundClient, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (parts, body) = request.into_parts();
    let headers: Vec<_> = parts
        .headers
        .iter()
        .filter(|(name, _)| **name != CONTENT_TYPE && **name != USER_AGENT)
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let url = parts.uri.to_string().parse()?;
    let answer = client.post(Outbound {
        url: &url,
        trust: Trust::Operator,
        content_type: "application/x-protobuf",
        headers: &headers,
        body: Private(body.to_vec()),
    });
    let answer = answer.await?;
    Ok(Response::builder().status(answer.status).body(answer.body.0)?)
}
