//! How NATS servers are reached, whatever they are used for.

use std::path::PathBuf;

use chime_domain::text::Private;

use super::key::Kind::Text;
use super::{ConfigError, Key, Values};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "nats_ca_file",
        Text,
        "",
        "PEM file of the authorities that sign the certificates of NATS servers, those of `nats`, `export` and \
         `meeting_events` alike; TLS is then required of them all. By default those of the system.",
    ),
    Key::new(
        "nats_cert_file",
        Text,
        "",
        "PEM file of the certificate, and its chain, that this server shows to NATS servers.",
    ),
    Key::new("nats_key_file", Text, "", "PEM file of that certificate's key."),
    Key::new(
        "nats_credentials_file",
        Text,
        "",
        "Credentials file by which this server logs in to NATS servers whose URLs hold no login: a user's JWT and the seed \
         of its key, as `nsc` writes them. It is read at the start.",
    ),
];

/// NATS servers, and how they are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nats {
    /// Their URLs, separated by commas; these may hold a password.
    pub urls: Private<String>,
    /// Authorities that are trusted instead of those of the system.
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to them, and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The file by which it is logged in.
    pub credentials_file: Option<PathBuf>,
}

impl Nats {
    pub(super) fn read(values: &Values, urls: String) -> Result<Self, ConfigError> {
        let file = |key| values.text(key).map(PathBuf::from);
        let certificate = match (file("nats_cert_file"), file("nats_key_file")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(values.refuse("nats_cert_file", "needs `nats_key_file` too")),
            (None, Some(_)) => return Err(values.refuse("nats_key_file", "needs `nats_cert_file` too")),
        };
        let (ca_file, credentials_file) = (file("nats_ca_file"), file("nats_credentials_file"));
        Ok(Self { urls: Private(urls), ca_file, certificate, credentials_file })
    }
}
