//! TLS to the database.

use chime_domain::conformance::drive;
use chime_domain::conformance::things::{batch, put};
use chime_domain::ports::Store;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;
use crate::servers::psql;

/// An authority and a certificate that it signs for a name; PEM of the authority, the certificate and its key.
fn signed(name: &str) -> (String, String, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[test]
fn the_servers_certificate_is_looked_at_as_the_mode_says() {
    let (authority, certificate, key) = signed("db.test");
    let (stranger, _, _) = signed("db.test");
    let server = Postgres::start_with_tls(&certificate, &key);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (authority, stranger) = (file("ca.pem", &authority), file("stranger.pem", &stranger));
    let none = file("none.pem", "");
    // The address is not what the certificate names, so that host and address are given apart.
    let named = format!("postgres://chime@db.test:{}/postgres?hostaddr=127.0.0.1", server.port);
    let unnamed = format!("{}?", server.url("postgres"));
    for (url, options, encrypted) in [
        (&named, format!("sslmode=verify-full&sslrootcert={authority}"), Some(true)),
        (&named, format!("sslmode=verify-full&sslrootcert={stranger}"), None),
        (&named, format!("sslmode=verify-full&sslrootcert={none}"), None),
        (&named, "sslmode=verify-full".to_owned(), None),
        (&unnamed, format!("sslmode=verify-full&sslrootcert={authority}"), None),
        (&unnamed, format!("sslmode=verify-ca&sslrootcert={authority}"), Some(true)),
        (&unnamed, format!("sslmode=verify-ca&sslrootcert={stranger}"), None),
        (&unnamed, format!("sslmode=require&sslrootcert={stranger}"), None),
        (&unnamed, "sslmode=require".to_owned(), Some(true)),
        (&unnamed, String::new(), Some(true)),
        (&unnamed, "sslmode=disable".to_owned(), Some(false)),
    ] {
        let opened = drive(run, async {
            let store =
                PostgresStore::open(PostgresConfig::new(&format!("{url}&{options}")).unwrap()).await?;
            store.commit(batch([put("a", "x")])).await.unwrap();
            let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                       WHERE application_name = 'chime'";
            Ok::<_, PostgresError>(psql(&server.url("postgres"), sql).unwrap() == "t")
        });
        assert_eq!(opened.as_ref().ok(), encrypted.as_ref(), "{options}: {opened:?}");
    }
}

#[test]
fn a_server_without_tls_is_refused_when_it_is_required_and_taken_when_it_is_preferred() {
    let url = Postgres::shared().url(&Postgres::shared().database());
    let open = |mode: &str| {
        drive(run, PostgresStore::open(PostgresConfig::new(&format!("{url}?sslmode={mode}")).unwrap()))
    };
    assert!(open("require").is_err());
    assert!(open("prefer").is_ok());
}
