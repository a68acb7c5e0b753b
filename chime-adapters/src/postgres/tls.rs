//! TLS to the database, with ring as the crypto provider.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresError;
use crate::roots::roots;

/// Whom to take for the database. Files are of certificates to trust; without one, those of the system are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Anyone: the connection is encrypted, and nothing is known of the other end.
    Anyone,
    /// Whoever has a certificate of an authority that is trusted.
    Signed(Option<PathBuf>),
    /// Likewise, in the name that was connected to.
    Named(Option<PathBuf>),
}

/// The connector for a [`Trust`].
pub(super) fn connector(trust: &Trust) -> Result<MakeRustlsConnect, PostgresError> {
    let provider = Arc::new(ring::default_provider());
    let unusable = |error: Error| PostgresError::Certificates(Box::new(error));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let verifier = |root: &Option<PathBuf>| {
        let roots = Arc::new(roots(root.as_deref()).map_err(PostgresError::Certificates)?);
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| PostgresError::Certificates(Box::new(error)))
    };
    let lenient = |signed| Arc::new(Lenient { signed, provider: Arc::clone(&provider) });
    let config = match trust {
        Trust::Anyone => builder.dangerous().with_custom_certificate_verifier(lenient(None)),
        Trust::Signed(root) => {
            builder.dangerous().with_custom_certificate_verifier(lenient(Some(verifier(root)?)))
        }
        Trust::Named(root) => builder.with_webpki_verifier(verifier(root)?),
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

/// Checks less than the name: the signer alone, or nothing.
#[derive(Debug)]
struct Lenient {
    signed: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(verifier) = &self.signed else { return Ok(ServerCertVerified::assertion()) };
        match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is what is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
