//! A certificate that the operator provides.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// The files of a certificate and its key.
#[derive(Clone, Debug)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Files with the certificate and its chain, and with its key, both PEM.
    #[must_use]
    pub fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key }
    }

    /// When either was written last; a change says that they have to be read again.
    pub(super) fn written(&self) -> Option<[SystemTime; 2]> {
        let written = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
        Some([written(&self.certificate)?, written(&self.key)?])
    }

    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let unusable = |path: &Path, error: rustls::pki_types::pem::Error| TlsError::Content {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(&self.certificate, error))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| unusable(&self.key, error))?;
        Ok((chain, key))
    }
}
