//! Credentials files, against a server that trusts an operator.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::*;

/// A JWT as NATS has them.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: &Value) -> String {
    let claims = json!({"jti": "1", "iat": 1, "iss": issuer.public_key(), "sub": subject.public_key(), "name": "ours", "nats": nats});
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let signed = [header, claims].map(|part| BASE64.encode(part.to_string())).join(".");
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64.encode(signature))
}

/// A credentials file of a user of an account.
fn credentials(directory: &Path, account: &KeyPair) -> PathBuf {
    let user = KeyPair::new_user();
    let rights =
        json!({"type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1});
    let path = directory.join(format!("{}.creds", user.public_key()));
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        jwt(account, &user, &rights),
        user.seed().unwrap()
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn who_has_credentials_of_an_account_that_the_server_knows_is_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let (operator, account, other) =
        (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
    let limits = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1});
    let rights = json!({"type": "account", "version": 2, "limits": limits});
    let config = format!(
        "operator: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {} }}\n",
        jwt(&operator, &operator, &json!({"type": "operator", "version": 2})),
        account.public_key(),
        jwt(&operator, &account, &rights)
    );
    let file = directory.path().join("nats.conf");
    std::fs::write(&file, config).unwrap();
    let server = Nats::start_with(vec!["-c".into(), file.to_str().unwrap().into()]);
    let known = NatsConfig::new(&server.url()).with_credentials_file(credentials(directory.path(), &account));
    let unknown = NatsConfig::new(&server.url()).with_credentials_file(credentials(directory.path(), &other));
    drive(run, async {
        let bus = NatsBus::connect(known, "c").await.unwrap();
        assert!(is_connected(&bus).await);
        let mut heard = bus.subscribe().await.unwrap();
        carries(&bus, heard.as_mut(), 1).await;
        for config in [unknown, NatsConfig::new(&server.url())] {
            let refused = NatsBus::connect(config, "c").await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(!refused.is_connected());
        }
    });
}
