//! What may be chosen.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chime_domain::ports::{Bus, Entropy};
use tokio_postgres::config::SslMode;

use super::PostgresError;
use super::tls::Trust;
use crate::SystemEntropy;
use crate::percent::decode;

/// How nodes on one database hear of each other's commits.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Wire {
    /// There is one node: it keeps every other from the database.
    #[default]
    Alone,
    /// Over a bus, which carries the announcements themselves.
    Bus(Arc<dyn Bus>),
    /// By `NOTIFY`, which tells nodes to look into the outbox.
    Notify,
    /// Not at all, and it does not commit either: for tools that read beside the nodes.
    Beside,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alone => "Alone",
            Self::Bus(_) => "Bus",
            Self::Notify => "Notify",
            Self::Beside => "Beside",
        })
    }
}

/// How a [`PostgresStore`](super::PostgresStore) is opened. Its `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    pub(super) driver: tokio_postgres::Config,
    pub(super) trust: Trust,
    pub(super) wire: Wire,
    pub(super) node: String,
    pub(super) synced: bool,
    pub(super) committers: usize,
    pub(super) readers: usize,
    pub(super) queue: usize,
    pub(super) patience: Duration,
}

impl PostgresConfig {
    /// A database by its URL, `postgres://USER:PASSWORD@HOST:PORT/NAME?…`.
    ///
    /// `sslmode` is as in the database's own clients: `disable`, `prefer` (unless told) and `require` do not look at
    /// the server's certificate, unless `sslrootcert` names a file of certificates to trust; `verify-ca` and
    /// `verify-full` do, by that file or, without one, by the system's.
    ///
    /// # Errors
    ///
    /// [`PostgresError::Url`].
    pub fn new(url: &str) -> Result<Self, PostgresError> {
        let invalid = |problem: &str| PostgresError::Url(problem.to_owned());
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(invalid("expected postgres://…"));
        }
        let (plain, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root, mut rest) = ("prefer".to_owned(), None, Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => value.clone_into(&mut mode),
                Some(("sslrootcert", value)) => {
                    let path = decode(value).ok_or_else(|| invalid("sslrootcert cannot be decoded"))?;
                    root = Some(PathBuf::from(path)).filter(|path| path.as_os_str() != "system");
                }
                _ => rest.push(option),
            }
        }
        let plain = if rest.is_empty() { plain.to_owned() } else { format!("{plain}?{}", rest.join("&")) };
        // The driver's message names the option or the part, never its value.
        let mut driver = tokio_postgres::Config::from_str(&plain).map_err(|error| {
            PostgresError::Url(
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string),
            )
        })?;
        let (ssl, trust) = match (mode.as_str(), root) {
            ("disable", _) => (SslMode::Disable, Trust::Anyone),
            ("prefer", None) => (SslMode::Prefer, Trust::Anyone),
            ("prefer", Some(root)) => (SslMode::Prefer, Trust::Signed(Some(root))),
            ("require", None) => (SslMode::Require, Trust::Anyone),
            ("require", Some(root)) => (SslMode::Require, Trust::Signed(Some(root))),
            ("verify-ca", root) => (SslMode::Require, Trust::Signed(root)),
            ("verify-full", root) => (SslMode::Require, Trust::Named(root)),
            _ => {
                return Err(invalid(
                    "sslmode is none of disable, prefer, require, verify-ca and verify-full",
                ));
            }
        };
        driver.ssl_mode(ssl);
        if driver.get_application_name().is_none() {
            driver.application_name("chime");
        }
        Ok(Self {
            driver,
            trust,
            wire: Wire::Alone,
            node: SystemEntropy.uuid(),
            synced: true,
            committers: 4,
            readers: 16,
            queue: 4096,
            patience: Duration::from_secs(5),
        })
    }

    /// How nodes hear of each other; [`Wire::Alone`] unless told.
    #[must_use]
    pub fn with_wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Whether a commit that was acknowledged survives loss of the database's power (its `synchronous_commit`); true
    /// unless told.
    #[must_use]
    pub fn with_sync(mut self, synced: bool) -> Self {
        self.synced = synced;
        self
    }

    /// Connections that commit; 4 unless told, at least 1.
    #[must_use]
    pub fn with_committers(mut self, committers: usize) -> Self {
        self.committers = committers.max(1);
        self
    }

    /// Connections that read, at most; 16 unless told, at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Commits that may wait before the store answers that it is busy; 4096 unless told, at least one for each
    /// committer.
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// How long the database may take to answer before a caller is told that it does not; 5 seconds unless told.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<(SslMode, Trust), PostgresError> {
        let config = PostgresConfig::new(&format!("postgres://me:hunter2@db.test:5433/chime{query}"))?;
        Ok((config.driver.get_ssl_mode(), config.trust))
    }

    #[test]
    fn the_modes_of_tls_are_those_of_the_databases_own_clients() {
        let root = || Some(PathBuf::from("/etc/my ca.pem"));
        let file = "sslrootcert=/etc/my%20ca.pem";
        for (query, expected) in [
            (String::new(), (SslMode::Prefer, Trust::Anyone)),
            ("?sslmode=disable".into(), (SslMode::Disable, Trust::Anyone)),
            ("?sslmode=require".into(), (SslMode::Require, Trust::Anyone)),
            (format!("?sslmode=require&{file}"), (SslMode::Require, Trust::Signed(root()))),
            (format!("?{file}&sslmode=verify-ca"), (SslMode::Require, Trust::Signed(root()))),
            (format!("?{file}&sslmode=verify-full"), (SslMode::Require, Trust::Named(root()))),
            ("?sslmode=verify-full".into(), (SslMode::Require, Trust::Named(None))),
            ("?sslmode=verify-full&sslrootcert=system".into(), (SslMode::Require, Trust::Named(None))),
        ] {
            assert_eq!(read(&query).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_the_url() {
        for url in [
            "mysql://me:hunter2@h/d",
            "postgres://me:hunter2@h/d?sslmode=maybe",
            "postgres://me:hunter2@h/d?colour=hunter2",
            "postgres://me:hunter2@h:port/d",
        ] {
            let error = PostgresConfig::new(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_configuration_shows_no_password() {
        let config = PostgresConfig::new("postgres://me:hunter2@db.test/chime?connect_timeout=3").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.driver.get_connect_timeout(), Some(&Duration::from_secs(3)));
    }
}
