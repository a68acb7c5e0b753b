//! Where streaming export delivers to.

use std::path::{Path, PathBuf};

use reqwest::Url;

use super::key::Kind::Text;
use super::{ConfigError, Key, Nats, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "export",
        Text,
        "file",
        "Where streams go to: `kinesis`; `nats://HOST:PORT`, JetStream, several servers separated by commas; `file`, \
         newline-delimited JSON in `export` in the data directory; `file:DIRECTORY`, the same elsewhere; `none`, no streaming can be configured.",
    ),
    Key::new(
        "aws_endpoint_url",
        Text,
        "",
        "Endpoint of Kinesis, EventBridge, SQS and SNS, for an emulator or a gateway of your own. By default those of the \
         region.",
    ),
];

/// Where streams go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export {
    /// To Kinesis, at its own endpoint or at this one.
    Kinesis(Option<Url>),
    /// To NATS servers with JetStream.
    Nats(Nats),
    /// Into files below a directory.
    File(PathBuf),
    /// Nowhere.
    None,
}

impl Export {
    pub(super) fn read(values: &Values, data_dir: &Path) -> Result<Self, ConfigError> {
        let endpoint = aws_endpoint(values)?;
        let text = values.text("export").unwrap_or_default();
        Ok(match text.split_once(':').unwrap_or((&text, "")) {
            ("kinesis", "") => Self::Kinesis(endpoint),
            ("nats" | "tls", _) => Self::Nats(Nats::read(values, text)?),
            ("file", "") => Self::File(data_dir.join("export")),
            ("file", directory) => Self::File(directory.into()),
            ("none", "") => Self::None,
            _ => {
                let expected = "expected kinesis, nats://HOST:PORT, file, file:DIRECTORY or none";
                return Err(values.refuse("export", expected));
            }
        })
    }
}

/// Another endpoint of AWS than its own.
pub(super) fn aws_endpoint(values: &Values) -> Result<Option<Url>, ConfigError> {
    match values.text("aws_endpoint_url").map(|text| text.parse::<Url>()) {
        None => Ok(None),
        Some(Ok(url)) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
        Some(_) => Err(values.refuse("aws_endpoint_url", "expected an http or https URL")),
    }
}
