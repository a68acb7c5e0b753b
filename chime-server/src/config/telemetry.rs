//! Logs and traces, and the test clock.

use std::path::PathBuf;

use chime_domain::text::Private;
use reqwest::Url;
use tracing_subscriber::filter::Targets;

use super::key::Kind::{Flag, List, Text};
use super::{ConfigError, Key, Values};
use crate::telemetry::{LogFormat, filter};

pub(super) const KEYS: &[Key] = &[
    Key::new("test_clock", Flag, "false", "Adds /_chime/clock, by which anybody can move the time forwards."),
    Key::new("telemetry.json", Flag, "false", "Logs JSON objects instead of lines for people."),
    Key::new(
        "audit_file",
        Text,
        "",
        "File that denials and administrative actions are appended to, a JSON object in each line.",
    ),
    Key::new("telemetry.filter", Text, "info", "What is logged: a level, or `warn,chime_server=debug`."),
    Key::new(
        "telemetry.otlp_endpoint",
        Text,
        "",
        "Base URL of a collector that takes traces by OTLP over HTTP, as `OTEL_EXPORTER_OTLP_ENDPOINT` would name it: \
         `/v1/traces` is put behind it. Needs a build with the feature `otlp`.",
    ),
    Key::new("telemetry.otlp_headers", List, "", "Headers that the collector asks for, each as NAME=VALUE.")
        .secret(),
    Key::new(
        "telemetry.trace_ratio",
        Text,
        "1",
        "Share of the traces that begin here which are kept, from 0 to 1. Whoever sends a `traceparent` has decided already.",
    ),
    Key::new("telemetry.service_name", Text, "chime-server", "What this service is called in traces."),
];

/// Logs and traces.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Telemetry {
    /// Their form.
    pub format: LogFormat,
    /// What is logged.
    pub filter: Targets,
    /// Where denials and administrative actions are noted.
    pub audit: Option<PathBuf>,
    /// Where traces go, if they go anywhere.
    pub traces: Option<Traces>,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Traces {
    /// The URL that they are posted to.
    pub endpoint: Url,
    /// Headers that are sent along.
    pub headers: Vec<(String, Private<String>)>,
    /// Share of those that begin here, from 0 to 1.
    pub ratio: f64,
    /// The name of this service.
    pub service: String,
}

impl Telemetry {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let format = if values.flag("telemetry.json") { LogFormat::Json } else { LogFormat::Text };
        let text = values.text("telemetry.filter").unwrap_or_default();
        let filter = filter(&text).map_err(|problem| values.refuse("telemetry.filter", problem))?;
        let audit = values.text("audit_file").map(PathBuf::from);
        Ok(Self { format, filter, audit, traces: traces(values)? })
    }
}

fn traces(values: &Values) -> Result<Option<Traces>, ConfigError> {
    const ENDPOINT: &str = "telemetry.otlp_endpoint";
    const RATIO: &str = "telemetry.trace_ratio";
    let ratio = values.text(RATIO).unwrap_or_default().parse().ok();
    let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
    let ratio = ratio.ok_or_else(|| values.refuse(RATIO, "expected a number from 0 to 1"))?;
    let Some(text) = values.text(ENDPOINT) else { return Ok(None) };
    if cfg!(not(feature = "otlp")) {
        return Err(values.refuse(ENDPOINT, "this build has no feature `otlp`"));
    }
    let endpoint = format!("{}/v1/traces", text.trim_end_matches('/')).parse::<Url>().ok();
    let endpoint = endpoint.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let endpoint = endpoint.ok_or_else(|| values.refuse(ENDPOINT, "expected an http or https URL"))?;
    let mut headers = Vec::new();
    for pair in values.list("telemetry.otlp_headers").iter().filter(|pair| !pair.is_empty()) {
        let is_header = |(name, value): &(&str, &str)| {
            name.parse::<::http::HeaderName>().is_ok() && value.parse::<::http::HeaderValue>().is_ok()
        };
        let parts = pair.split_once('=').map(|(name, value)| (name.trim(), value.trim())).filter(is_header);
        let refuse = || values.refuse("telemetry.otlp_headers", "expected headers, each as NAME=VALUE");
        let (name, value) = parts.ok_or_else(refuse)?;
        headers.push((name.to_owned(), Private(value.to_owned())));
    }
    let service = values.text("telemetry.service_name").unwrap_or_else(|| "chime-server".to_owned());
    Ok(Some(Traces { endpoint, headers, ratio, service }))
}
