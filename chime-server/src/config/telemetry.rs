//! Logs, and the test clock.

use std::path::PathBuf;

use tracing_subscriber::filter::Targets;

use super::key::Kind::{Flag, Text};
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
];

/// Logs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Telemetry {
    /// Their form.
    pub format: LogFormat,
    /// What is logged.
    pub filter: Targets,
    /// Where denials and administrative actions are noted.
    pub audit: Option<PathBuf>,
}

impl Telemetry {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let format = if values.flag("telemetry.json") { LogFormat::Json } else { LogFormat::Text };
        let text = values.text("telemetry.filter").unwrap_or_default();
        let filter = filter(&text).map_err(|problem| values.refuse("telemetry.filter", problem))?;
        Ok(Self { format, filter, audit: values.text("audit_file").map(PathBuf::from) })
    }
}
