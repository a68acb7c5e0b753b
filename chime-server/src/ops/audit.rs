//! The audit log: who was denied what, and who changed what.
//!
//! A line for every request that was denied, and for every one that changes something and is no traffic of messages:
//! who signed, as whom it acted, from where, what it asked for, and what came of it. Never what it carried.
//!
//! # Our choices
//!
//! - The line is written before the answer leaves, so that whoever was answered is in the log.
//! - A log that cannot be written is reported in the server's own log, and does not stop the server.
//! - Sending, editing and reading messages, and what processors call back, is traffic; redacting and deleting are not.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use chime_domain::time::Timestamp;
use serde::Serialize;

/// What is done all the time, and tells nothing about who runs the place.
const TRAFFIC: [&str; 5] = [
    "SendChannelMessage",
    "UpdateChannelMessage",
    "UpdateChannelReadMarker",
    "ChannelFlowCallback",
    "SearchChannels",
];

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Entry<'a> {
    pub(crate) time: String,
    pub(crate) request_id: &'a str,
    pub(crate) operation: &'a str,
    /// Who signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<&'a str>,
    /// The user that it acted as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acting_as: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_ip: Option<IpAddr>,
    pub(crate) method: &'a str,
    /// The path, which names the objects.
    pub(crate) path: &'a str,
    pub(crate) outcome: &'static str,
    pub(crate) status: u16,
    /// Name of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'a str>,
}

/// Whether a request belongs into the log.
pub(crate) fn is_audited(operation: &str, method: &str, status: u16) -> bool {
    let denied = matches!(status, 401 | 403);
    let changes = method != "GET" && !TRAFFIC.contains(&operation) && operation != "unknown";
    let reads = ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb));
    denied || (changes && !reads)
}

/// What came of a request.
pub(crate) const fn outcome(status: u16) -> &'static str {
    match status {
        200..=399 => "done",
        401 | 403 => "denied",
        400..=499 => "refused",
        _ => "failed",
    }
}

/// Where the lines go.
#[derive(Debug, Default)]
pub enum Audit {
    /// Nowhere.
    #[default]
    Off,
    /// To the end of a file, a JSON object in each line.
    File(Mutex<File>),
}

impl Audit {
    /// Opens a file to append to, for its owner alone.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self::File(Mutex::new(options.open(path)?)))
    }

    /// Whether anything is written at all.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Writes a line.
    pub(crate) fn write(&self, entry: &Entry<'_>) {
        let Self::File(file) = self else { return };
        let mut line = serde_json::to_vec(entry).unwrap_or_default();
        line.push(b'\n');
        let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
        if let Err(error) = written {
            tracing::error!(%error, "the audit log cannot be written");
        }
    }
}

/// The moment of a line.
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_and_changes_are_audited_and_traffic_and_reads_are_not() {
        for (operation, method, status, audited) in [
            ("CreateChannel", "POST", 201, true),
            ("DeleteChannelMessage", "DELETE", 204, true),
            ("RedactChannelMessage", "POST", 200, true),
            ("PutUserPolicy", "POST", 200, true),
            ("CreateChannel", "POST", 400, true),
            ("SendChannelMessage", "POST", 201, false),
            ("SendChannelMessage", "POST", 403, true),
            ("DescribeChannel", "GET", 200, false),
            ("DescribeChannel", "GET", 403, true),
            ("ListUsers", "POST", 200, false),
            ("unknown", "POST", 404, false),
            ("unknown", "POST", 403, true),
        ] {
            assert_eq!(is_audited(operation, method, status), audited, "{operation} {status}");
        }
    }
}
