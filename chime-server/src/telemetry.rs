//! Logs: one span for each request, with ids and no bodies, names or secrets. Traces: another, to a collector.

#[cfg(feature = "otlp")]
mod otlp;
mod requests;

use std::io;
use std::str::FromStr;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt};

#[cfg(feature = "otlp")]
pub use otlp::Tracing;
pub(crate) use requests::Traced;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object in each line.
    Json,
}

/// What is told of spans and events beside the log.
pub type Further = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts to log to standard error, and to tell what is given beside.
///
/// # Errors
///
/// The process logs already.
pub fn start(format: LogFormat, filter: Targets, further: Option<Further>) -> Result<(), TryInitError> {
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // The log has a span of its own for each request.
    let filter = filter.with_target(requests::TARGET, LevelFilter::OFF).and(filter_fn(is_without_bodies));
    tracing_subscriber::registry().with(further).with(lines.with_filter(filter)).try_init()
}

/// What the NATS client traces has messages in it.
fn is_without_bodies(of: &Metadata<'_>) -> bool {
    *of.level() != Level::TRACE || !of.target().starts_with("async_nats")
}

/// Reads a filter: `info`, or `warn,chime_server=debug`.
///
/// # Errors
///
/// The text is no filter.
pub fn filter(text: &str) -> Result<Targets, String> {
    Targets::from_str(text).map_err(|error| error.to_string())
}

/// Measures how long something took. It tells durations only, never the time, which is the clock port's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(tokio::time::Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
