//! Several servers, and TLS to them, against Debian's nats-server.

mod accounts;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chime_domain::conformance::things::{key, thing};
use chime_domain::conformance::{Task, drive};
use chime_domain::ports::{Announced, Bus, Position, Subscription};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::servers::Nats;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

fn run(task: Task<'_>) {
    RUNTIME.block_on(task);
}

/// An authority, and certificates that it signs, as PEM files.
struct Authority {
    directory: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let made = Self { directory: tempfile::tempdir().unwrap(), issuer };
        made.write("ca.pem", &made.issuer.pem());
        made
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A certificate for a name, and its key.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.issuer).unwrap();
        let of = |end: &str, text: &str| self.write(&format!("{name}.{end}"), text);
        (of("pem", &certificate.pem()), of("key", &key.serialize_pem()))
    }
}

fn with_tls(authority: &Authority, name: &str, more: &[&str]) -> Nats {
    let (certificate, key) = authority.sign(name);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut options =
        vec!["--tls".to_owned(), "--tlscert".into(), text(&certificate), "--tlskey".into(), text(&key)];
    options.extend(more.iter().map(|option| (*option).to_owned()));
    Nats::start_with(options)
}

/// Waits for a connection.
async fn is_connected(bus: &NatsBus) -> bool {
    for _ in 0..400 {
        if bus.is_connected() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// What publishing says once a server has been tried.
async fn refusal(config: &NatsConfig) -> String {
    let bus = NatsBus::connect(config, "c").await.unwrap();
    let mut said = String::new();
    for _ in 0..400 {
        said = format!("{:?}", bus.publish(one(1)).await.unwrap_err());
        if said.contains("refused") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!bus.is_connected());
    said
}

fn one(position: u64) -> Arc<[Announced]> {
    Arc::new([Announced { position: Position(position), subject: key("s"), record: thing("x"), entry: None }])
}

async fn carries(bus: &NatsBus, heard: &mut dyn Subscription, position: u64) {
    bus.publish(one(position)).await.unwrap();
    let next = tokio::time::timeout(Duration::from_secs(5), heard.next()).await;
    assert_eq!(next.expect("nothing is heard").unwrap()[0].position, Position(position));
}

#[test]
fn when_its_server_is_killed_a_bus_moves_to_the_other_of_its_list() {
    let mut servers = [Nats::start(), Nats::start()];
    let list = format!("{}, {}", servers[0].url(), servers[1].url());
    // With the first away at the start, the second is found.
    servers[0].stop();
    drive(run, async {
        let bus = NatsBus::connect(&list, "c").await.unwrap();
        assert!(is_connected(&bus).await);
        let mut heard = bus.subscribe().await.unwrap();
        carries(&bus, heard.as_mut(), 1).await;
        // The one that is in use goes, and the other one is there.
        servers[0].resume();
        servers[1].kill();
        while bus.is_connected() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(is_connected(&bus).await);
        carries(&bus, heard.as_mut(), 2).await;
    });
}

#[test]
fn a_server_is_believed_by_the_authority_that_is_named() {
    let authority = Authority::new("ours");
    let server = with_tls(&authority, "localhost", &[]);
    drive(run, async {
        // TLS is required by whoever names an authority, so that the scheme does not matter.
        for scheme in ["tls", "nats"] {
            let url = format!("{scheme}://localhost:{}", server.port);
            let bus =
                NatsBus::connect(NatsConfig::new(&url).with_ca_file(authority.ca()), "c").await.unwrap();
            assert!(is_connected(&bus).await, "{scheme}");
            let mut heard = bus.subscribe().await.unwrap();
            carries(&bus, heard.as_mut(), 1).await;
        }
    });
}

#[test]
fn a_server_of_another_authority_or_name_is_refused_and_the_error_says_so() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let server = with_tls(&authority, "n.test", &[]);
    let config = NatsConfig::new(&format!("tls://localhost:{}", server.port));
    drive(run, async {
        let refused = refusal(&config.clone().with_ca_file(stranger.ca())).await;
        assert!(refused.contains("UnknownIssuer"), "{refused}");
        let refused = refusal(&config.clone().with_ca_file(authority.ca())).await;
        assert!(refused.contains("not valid for name"), "{refused}");
        // Those of the system are no better.
        let refused = refusal(&config).await;
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    });
}

#[test]
fn a_server_without_tls_gets_nothing_from_who_names_an_authority() {
    let authority = Authority::new("ours");
    drive(run, async {
        let config = NatsConfig::new(&Nats::shared().url()).with_ca_file(authority.ca());
        let bus = NatsBus::connect(config, "c").await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!bus.is_connected());
    });
}

#[test]
fn a_server_that_wants_a_certificate_gets_the_one_that_is_given() {
    let authority = Authority::new("ours");
    let ca = authority.ca();
    let server = with_tls(&authority, "localhost", &["--tlsverify", "--tlscacert", ca.to_str().unwrap()]);
    let config = NatsConfig::new(&format!("tls://localhost:{}", server.port)).with_ca_file(&ca);
    let (certificate, key) = authority.sign("node-1");
    drive(run, async {
        let without = NatsBus::connect(&config, "c").await.unwrap();
        let bus = NatsBus::connect(config.clone().with_certificate(certificate, key), "c").await.unwrap();
        assert!(is_connected(&bus).await);
        assert!(!without.is_connected());
    });
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let authority = Authority::new("ours");
    let (certificate, key) = authority.sign("node-1");
    let (empty, absent) = (authority.write("empty.pem", ""), authority.directory.path().join("absent.pem"));
    let config = NatsConfig::new("tls://localhost:1");
    for (config, file) in [
        (config.clone().with_ca_file(&empty), &empty),
        (config.clone().with_ca_file(&absent), &absent),
        (config.clone().with_certificate(&absent, &key), &absent),
        (config.clone().with_certificate(&certificate, &empty), &empty),
        (config.clone().with_certificate(&empty, &key), &empty),
        (config.clone().with_credentials_file(&empty), &empty),
        (config.clone().with_credentials_file(&absent), &absent),
    ] {
        let refused = drive(run, NatsBus::connect(config, "c")).unwrap_err();
        assert!(matches!(&refused, NatsError::File { file: named, .. } if named == file), "{refused:?}");
        assert!(refused.to_string().contains(file.to_str().unwrap()), "{refused}");
    }
}
