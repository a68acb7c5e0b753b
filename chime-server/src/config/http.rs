//! Listeners, and the bounds of what they take in.

use std::net::SocketAddr;
use std::time::Duration;

use super::key::Kind::{Address, Flag, Number, Text};
use super::{ConfigError, Key, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "http_listen",
        Address,
        "127.0.0.1:8080",
        "Address of the plain listener; port 0 takes a free one.",
    ),
    Key::new(
        "https_listen",
        Address,
        "127.0.0.1:8443",
        "Address of the TLS listener; port 0 takes a free one.",
    ),
    Key::new(
        "public_host",
        Text,
        "",
        "Name NAME that clients use. NAME, identity-NAME and messaging-NAME are in the certificate, and NAME is the \
         host of the messaging endpoint.",
    ),
    Key::new("http.max_connections", Number(1, 1_000_000), "50000", "Open connections; further ones wait."),
    Key::new(
        "http.max_body_bytes",
        Number(1024, 64 << 20),
        "1048576",
        "Largest body of an API request, in bytes.",
    ),
    Key::new(
        "http.header_timeout_seconds",
        Number(1, 3600),
        "30",
        "How long a TLS handshake and the headers of a request may take; idle connections are closed after it too.",
    ),
    Key::new("http.body_timeout_seconds", Number(1, 3600), "20", "How long the body of a request may take."),
    Key::new(
        "http.leave_seconds",
        Number(0, 3600),
        "0",
        "How long /readyz says that the server is leaving before it stops to accept, for load balancers to notice.",
    ),
    Key::new(
        "http.drain_seconds",
        Number(0, 3600),
        "8",
        "How long requests under way may take after the first SIGTERM or SIGINT.",
    ),
    Key::new(
        "http.legacy_by_default",
        Flag,
        "false",
        "Requests that nothing tells the namespace of are answered as by the single `chime` namespace of 2020. \
         Then a host name with `identity-` or `messaging-` in front and the ARN of what is tagged tell nothing.",
    ),
];

/// Listeners, and the bounds of what they take in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Http {
    /// Address of the plain listener.
    pub http_listen: SocketAddr,
    /// Address of the TLS listener.
    pub https_listen: SocketAddr,
    /// The name clients use.
    pub public_host: Option<String>,
    /// Open connections.
    pub max_connections: usize,
    /// Largest body, in bytes.
    pub max_body: usize,
    /// How long headers may take.
    pub header_timeout: Duration,
    /// How long a body may take.
    pub body_timeout: Duration,
    /// How long the server is not ready before it stops to accept.
    pub leave: Duration,
    /// How long requests under way may take once the server stops.
    pub drain: Duration,
    /// Whose answers are given when nothing tells.
    pub legacy_by_default: bool,
}

impl Http {
    pub(super) fn read(values: &Values) -> Result<Self, ConfigError> {
        let address = |path| values.address(path).ok_or_else(|| values.refuse(path, "is required"));
        let public_host = values.text("public_host");
        if let Some(host) = &public_host
            && !is_host_name(host)
        {
            return Err(values.refuse("public_host", "expected a host name, without scheme and port"));
        }
        Ok(Self {
            http_listen: address("http_listen")?,
            https_listen: address("https_listen")?,
            public_host,
            max_connections: values.size("http.max_connections"),
            max_body: values.size("http.max_body_bytes"),
            header_timeout: values.seconds("http.header_timeout_seconds"),
            body_timeout: values.seconds("http.body_timeout_seconds"),
            leave: values.seconds("http.leave_seconds"),
            drain: values.seconds("http.drain_seconds"),
            legacy_by_default: values.flag("http.legacy_by_default"),
        })
    }
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 240 && text.split('.').all(is_label)
}
