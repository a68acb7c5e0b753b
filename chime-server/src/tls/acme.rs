//! Certificates from an ACME authority (RFC 8555), by the challenge `tls-alpn-01` (RFC 8737).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, ResolvesServerCertAcme, is_tls_alpn_challenge};

use super::Current;
use crate::config;
use crate::shutdown::Shutdown;

/// The protocol that an authority negotiates when it checks a name.
pub(super) const CHALLENGE_PROTOCOL: &[u8] = b"acme-tls/1";

/// The certificate of an ACME authority for the public names, and of another source for all else.
pub struct Acme {
    names: Vec<String>,
    ordered: Arc<ResolvesServerCertAcme>,
    otherwise: Arc<Current>,
}

impl Acme {
    /// Orders certificates, and keeps them and the account below the data directory; until draining begins.
    #[must_use]
    pub fn start(
        settings: &config::Acme,
        public_host: &str,
        data_dir: &Path,
        otherwise: Arc<Current>,
        shutdown: Shutdown,
    ) -> Arc<Self> {
        let names = vec![
            public_host.to_owned(),
            format!("identity-{public_host}"),
            format!("messaging-{public_host}"),
        ];
        let mut orders = AcmeConfig::new_with_provider(&names, Arc::new(ring::default_provider()))
            .contact_push(format!("mailto:{}", settings.contact))
            .directory(&settings.directory)
            .cache(DirCache::new(data_dir.join("tls").join("acme")))
            .state();
        let ordered = orders.resolver();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    event = orders.next() => match event {
                        Some(Ok(event)) => tracing::info!(?event, "the ACME authority answered"),
                        Some(Err(error)) => tracing::error!(%error, "no certificate from the ACME authority"),
                        None => return,
                    },
                    () = shutdown.draining() => return,
                }
            }
        });
        Arc::new(Self { names, ordered, otherwise })
    }
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acme").field("names", &self.names).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Acme {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if is_tls_alpn_challenge(&hello) {
            return self.ordered.resolve(hello);
        }
        let is_public = hello.server_name().is_some_and(|name| self.names.iter().any(|own| own == name));
        let ordered = if is_public { self.ordered.resolve(hello) } else { None };
        ordered.or_else(|| Some(self.otherwise.served_key()))
    }
}
