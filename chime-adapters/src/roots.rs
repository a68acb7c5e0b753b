//! Authorities whose certificates are trusted.

use std::path::Path;

use chime_domain::error::Cause;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Those of a PEM file, or else those of the system.
///
/// # Errors
///
/// The file cannot be read, holds what is no certificate, or holds none.
pub(crate) fn roots(file: Option<&Path>) -> Result<RootCertStore, Cause> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path)? {
                roots.add(certificate?)?;
            }
        }
        // Some of a system's certificates are often too old to be read; those that can be are enough.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() { Err("there are no certificates of authorities".into()) } else { Ok(roots) }
}
