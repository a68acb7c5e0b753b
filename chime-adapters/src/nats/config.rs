//! Which servers, and how they are reached.

use std::path::PathBuf;

use chime_domain::error::Cause;
use chime_domain::text::Private;

/// NATS servers, of which one is talked to at a time.
#[derive(Clone, Debug)]
pub struct NatsConfig {
    pub(super) urls: Private<String>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
    pub(super) credentials_file: Option<PathBuf>,
}

impl NatsConfig {
    /// The servers of `urls`: `nats://USER:PASSWORD@HOST:PORT` or `tls://…`, several separated by commas. One login serves
    /// all; a user without a password is a token.
    #[must_use]
    pub fn new(urls: &str) -> Self {
        Self { urls: Private(urls.to_owned()), ca_file: None, certificate: None, credentials_file: None }
    }

    /// Trusts the authorities of this PEM file alone, and not those of the system; TLS is then required.
    #[must_use]
    pub fn with_ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// Shows the servers this certificate, a PEM file with its chain, whose key is in another PEM file.
    #[must_use]
    pub fn with_certificate(mut self, file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        self.certificate = Some((file.into(), key_file.into()));
        self
    }

    /// Logs in by this credentials file, a user's JWT and the seed of its key as `nsc` writes them, where the URLs hold no
    /// login. It is read when a client is made.
    #[must_use]
    pub fn with_credentials_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.credentials_file = Some(file.into());
        self
    }
}

impl From<&str> for NatsConfig {
    fn from(urls: &str) -> Self {
        Self::new(urls)
    }
}

impl From<&String> for NatsConfig {
    fn from(urls: &String) -> Self {
        Self::new(urls)
    }
}

impl From<&NatsConfig> for NatsConfig {
    fn from(config: &NatsConfig) -> Self {
        config.clone()
    }
}

/// What a [`NatsConfig`] asks for cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// The URL cannot be read. It is not repeated here: it may hold a password.
    #[error("the URL of the NATS server is not valid")]
    Url,
    /// A file of certificates, of a key or of credentials cannot be used.
    #[error("{} cannot be used for NATS", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Cause,
    },
    /// The client could not be started.
    #[error("the NATS client cannot be started")]
    Unusable(#[source] Cause),
}
