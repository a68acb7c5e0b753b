//! The certificate that is served now, and its renewal.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use chime_domain::ports::Clock;
use chime_domain::time::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::{Authority, Files, TlsError};
use crate::ops::{Condition, Health};
use crate::shutdown::Shutdown;

/// How often it is looked whether a new certificate is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The certificate that is served now.
#[derive(Debug)]
pub struct Current {
    source: Source,
    served: RwLock<Served>,
}

#[derive(Debug)]
enum Source {
    Authority(Box<Authority>),
    Files(Files),
}

#[derive(Clone, Debug)]
struct Served {
    key: Arc<CertifiedKey>,
    until: Until,
}

/// What ends the service of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Moment(Timestamp),
    Change(Option<[SystemTime; 2]>),
}

impl Current {
    /// One that a local authority signs.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when it cannot sign.
    pub fn of_authority(authority: Authority, now: Timestamp) -> Result<Self, TlsError> {
        Self::new(Source::Authority(Box::new(authority)), now)
    }

    /// One that the operator provides.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when the files cannot be used.
    pub fn of_files(files: Files) -> Result<Self, TlsError> {
        Self::new(Source::Files(files), Timestamp::MIN)
    }

    fn new(source: Source, now: Timestamp) -> Result<Self, TlsError> {
        let served = RwLock::new(source.serve(now)?);
        Ok(Self { source, served })
    }

    /// Replaces the certificate in time, by the real clock, or when its files change; until draining begins.
    pub async fn renew(self: Arc<Self>, clock: Arc<dyn Clock>, health: Health, shutdown: Shutdown) {
        health.set_tls(Condition::Good);
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.draining() => return,
            }
            match self.renew_if_due(clock.now()) {
                Ok(false) => {}
                Ok(true) => {
                    health.set_tls(Condition::Good);
                    tracing::info!("a new TLS certificate is served");
                }
                Err(error) => {
                    health.set_tls(Condition::Bad("the certificate cannot be renewed"));
                    tracing::error!(%error, "the TLS certificate cannot be renewed; the old one stays");
                }
            }
        }
    }

    fn renew_if_due(&self, now: Timestamp) -> Result<bool, TlsError> {
        let due = match (self.served().until, &self.source) {
            (Until::Moment(end), _) => end <= now,
            (Until::Change(written), Source::Files(files)) => files.written() != written,
            (Until::Change(_), Source::Authority(_)) => false,
        };
        if due {
            let served = self.source.serve(now)?;
            *self.served.write().unwrap_or_else(PoisonError::into_inner) = served;
        }
        Ok(due)
    }

    pub(super) fn served_key(&self) -> Arc<CertifiedKey> {
        self.served().key
    }

    fn served(&self) -> Served {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Source {
    fn serve(&self, now: Timestamp) -> Result<Served, TlsError> {
        match self {
            Self::Authority(authority) => {
                let leaf = authority.issue(now)?;
                Ok(Served { key: certified(leaf.chain, leaf.key)?, until: Until::Moment(leaf.renew_at) })
            }
            Self::Files(files) => {
                let until = Until::Change(files.written());
                let (chain, key) = files.read()?;
                Ok(Served { key: certified(chain, key)?, until })
            }
        }
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, TlsError> {
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?))
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.served_key())
    }
}

/// What accepts TLS connections with the current certificate, for HTTP/2 and HTTP/1.1.
///
/// # Errors
///
/// [`TlsError::Serve`].
pub fn acceptor(current: Arc<dyn ResolvesServerCert>) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(current);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    #[cfg(feature = "acme")]
    config.alpn_protocols.push(super::acme::CHALLENGE_PROTOCOL.to_vec());
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_certificate_is_replaced_before_it_expires_and_not_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path(), names(None, &[]), NOW).unwrap();
        let current = Current::of_authority(authority, NOW).unwrap();
        let first = current.served().key.cert.clone();
        assert!(!current.renew_if_due(NOW.plus_days(59)).unwrap());
        assert!(current.renew_if_due(NOW.plus_days(60)).unwrap());
        assert_ne!(current.served().key.cert, first);
    }

    #[test]
    fn files_are_read_again_when_they_change_and_a_bad_one_leaves_the_old_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
        let write = |seconds: u64| {
            let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
            std::fs::write(&certificate, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            std::fs::File::options().write(true).open(&key).unwrap().set_modified(at).unwrap();
        };
        write(1000);
        let current = Current::of_files(Files::new(certificate.clone(), key.clone())).unwrap();
        let first = current.served().key.cert.clone();
        assert!(!current.renew_if_due(NOW).unwrap());
        write(2000);
        assert!(current.renew_if_due(NOW).unwrap());
        let second = current.served().key.cert.clone();
        assert_ne!(second, first);
        std::fs::write(&certificate, "no certificate").unwrap();
        assert!(current.renew_if_due(NOW).is_err());
        assert_eq!(current.served().key.cert, second);
    }
}
