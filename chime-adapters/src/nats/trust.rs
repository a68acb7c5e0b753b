//! Which servers are believed, and what they are shown.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chime_domain::error::Cause;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::config::{NatsConfig, NatsError};
use crate::roots::roots;

/// Why the certificate of the server that was tried last was refused; the client itself does not tell.
#[derive(Debug, Default)]
pub(super) struct Refused(Mutex<Option<String>>);

impl Refused {
    pub(super) fn why(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, why: Option<String>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = why.as_ref().filter(|why| noted.as_ref() != Some(why)) {
            tracing::warn!(why, "the certificate of a NATS server is refused");
        }
        *noted = why;
    }
}

/// What a [`NatsConfig`] says of TLS.
pub(super) fn trust(config: &NatsConfig) -> Result<(ClientConfig, Arc<Refused>), NatsError> {
    let provider = Arc::new(ring::default_provider());
    let unusable = |error: Error| NatsError::Unusable(Box::new(error));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let authorities = match &config.ca_file {
        Some(file) => roots(Some(file)).map_err(in_file(file))?,
        // A machine without any can still speak to servers without TLS.
        None => roots(None).unwrap_or_else(|_| RootCertStore::empty()),
    };
    let refused = Arc::new(Refused::default());
    let builder = match authorities.is_empty() {
        true => builder.with_root_certificates(authorities),
        false => {
            let signed = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build();
            let signed = signed.map_err(|error| NatsError::Unusable(Box::new(error)))?;
            let noting = Noting { signed, refused: Arc::clone(&refused) };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(noting))
        }
    };
    let tls = match &config.certificate {
        None => builder.with_no_client_auth(),
        Some((file, key_file)) => {
            let chain = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
            let chain: Vec<_> = chain.map_err(in_file(file))?;
            let key = PrivateKeyDer::from_pem_file(key_file).map_err(in_file(key_file))?;
            builder.with_client_auth_cert(chain, key).map_err(in_file(file))?
        }
    };
    Ok((tls, refused))
}

pub(super) fn in_file<E: Into<Cause>>(file: &Path) -> impl FnOnce(E) -> NatsError {
    let file = PathBuf::from(file);
    |error| NatsError::File { file, cause: error.into() }
}

/// Checks as usual, and notes the outcome.
#[derive(Debug)]
struct Noting {
    signed: Arc<WebPkiServerVerifier>,
    refused: Arc<Refused>,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.signed.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        self.refused.note(verified.as_ref().err().map(ToString::to_string));
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}
