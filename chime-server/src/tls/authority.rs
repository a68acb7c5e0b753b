//! The local authority.

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;

use chime_domain::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::TlsError;
use crate::files::{self, Access};

/// Days that the authority is valid. It is not renewed: its holders trust this one.
const AUTHORITY_DAYS: u32 = 3650;
/// Days that a server certificate is valid.
const LEAF_DAYS: u32 = 90;
/// Days before its end at which a server certificate is replaced.
const RENEW_DAYS: u32 = 30;
/// Clocks of clients may be behind ours by so many days.
const SKEW_DAYS: u32 = 1;

/// A certificate of the server, with its key.
#[derive(Debug)]
pub struct Leaf {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// When the next one is due.
    pub(super) renew_at: Timestamp,
}

/// The local authority: its key, and the names that its certificates are for.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    names: Vec<String>,
}

impl Authority {
    /// Opens the authority below a data directory, and makes it when there is none.
    ///
    /// # Errors
    ///
    /// [`TlsError`] when its files cannot be used or written.
    pub fn open(data_dir: &Path, names: Vec<String>, now: Timestamp) -> Result<Self, TlsError> {
        let dir = data_dir.join("tls");
        let (key_path, ca_path) = (dir.join("ca.key"), dir.join("ca.pem"));
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::File { path, source }
        };
        let key = match fs::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem).map_err(|error| unusable(&key_path, &error.to_string()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(&dir).map_err(at(&dir))?;
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                files::write(&key_path, key.serialize_pem().as_bytes(), Access::Private)
                    .map_err(at(&key_path))?;
                key
            }
            Err(error) => return Err(at(&key_path)(error)),
        };
        let params = authority_params(&key, now);
        let certificate = match fs::read(&ca_path) {
            Ok(pem) => CertificateDer::from_pem_slice(&pem)
                .map_err(|error| unusable(&ca_path, &error.to_string()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let certificate = params.self_signed(&key)?;
                files::write(&ca_path, certificate.pem().as_bytes(), Access::Public).map_err(at(&ca_path))?;
                certificate.der().clone()
            }
            Err(error) => return Err(at(&ca_path)(error)),
        };
        let public = key.public_key_raw();
        if !certificate.windows(public.len()).any(|window| window == public) {
            return Err(unusable(
                &ca_path,
                "it is not the certificate of ca.key; remove both to make new ones",
            ));
        }
        Ok(Self { issuer: Issuer::new(params, key), certificate, names })
    }

    /// Makes a certificate for the server.
    ///
    /// # Errors
    ///
    /// [`TlsError::Make`].
    pub fn issue(&self, now: Timestamp) -> Result<Leaf, TlsError> {
        let mut params = CertificateParams::new(self.names.clone())?;
        params.distinguished_name = named(self.names.first().map_or("chime-server", String::as_str));
        params.not_before = moment(now.minus_days(SKEW_DAYS));
        params.not_after = moment(now.plus_days(LEAF_DAYS));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf {
            chain: vec![certificate.der().clone(), self.certificate.clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            renew_at: now.plus_days(LEAF_DAYS - RENEW_DAYS),
        })
    }
}

/// The names that a server certificate has to cover (wire rule W-14).
#[must_use]
pub fn names(public_host: Option<&str>, extra: &[String]) -> Vec<String> {
    let mut names: Vec<String> = match public_host {
        Some(host) if host.parse::<IpAddr>().is_ok() => vec![host.to_owned()],
        Some(host) => vec![
            host.to_owned(),
            format!("identity-{host}"),
            format!("messaging-{host}"),
            format!("*.{host}"),
        ],
        None => Vec::new(),
    };
    for name in ["localhost", "127.0.0.1", "::1"].into_iter().chain(extra.iter().map(String::as_str)) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn authority_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let digest = Sha256::digest(key.public_key_raw());
    let id: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("chime-server local authority {id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = moment(now.minus_days(SKEW_DAYS));
    params.not_after = moment(now.plus_days(AUTHORITY_DAYS));
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn moment(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn unusable(path: &Path, problem: &str) -> TlsError {
    TlsError::Content { path: path.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{CertificateError, Error, RootCertStore};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn verify(ca: &CertificateDer<'static>, leaf: &Leaf, name: &str, at: Timestamp) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.seconds() as u64));
        verifier.verify_server_cert(&leaf.chain[0], &leaf.chain[1..], &name, &[], at).map(drop)
    }

    #[test]
    fn who_trusts_the_authority_trusts_the_server_under_all_its_names_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let names = names(Some("chime.test"), &["10.1.2.3".into()]);
        let authority = Authority::open(dir.path(), names, NOW).unwrap();
        let ca = CertificateDer::from_pem_file(dir.path().join("tls/ca.pem")).unwrap();
        let leaf = authority.issue(NOW).unwrap();
        for name in [
            "chime.test",
            "identity-chime.test",
            "messaging-chime.test",
            "voice.chime.test",
            "localhost",
            "127.0.0.1",
            "::1",
            "10.1.2.3",
        ] {
            verify(&ca, &leaf, name, NOW).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for name in ["example.test", "voice-chime.test", "127.0.0.2"] {
            let error = verify(&ca, &leaf, name, NOW).unwrap_err();
            assert!(matches!(error, Error::InvalidCertificate(_)), "{name}");
        }
        let late = verify(&ca, &leaf, "localhost", NOW.plus_days(LEAF_DAYS + 1)).unwrap_err();
        assert!(matches!(
            late,
            Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })
        ));
        verify(&ca, &leaf, "localhost", leaf.renew_at).unwrap();
    }

    #[test]
    fn the_authority_is_the_same_after_a_restart_and_its_key_is_for_the_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Authority::open(dir.path(), names(None, &[]), NOW).unwrap();
        open();
        let ca = CertificateDer::from_pem_file(dir.path().join("tls/ca.pem")).unwrap();
        let leaf = open().issue(NOW.plus_days(400)).unwrap();
        verify(&ca, &leaf, "localhost", NOW.plus_days(400)).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join("tls/ca.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn an_authority_whose_key_was_exchanged_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Authority::open(one.path(), names(None, &[]), NOW).unwrap();
        Authority::open(other.path(), names(None, &[]), NOW).unwrap();
        fs::copy(other.path().join("tls/ca.key"), one.path().join("tls/ca.key")).unwrap();
        let error = Authority::open(one.path(), names(None, &[]), NOW).unwrap_err();
        assert!(matches!(error, TlsError::Content { .. }), "{error}");
    }
}
