//! Everything around the operations: paths of the server, shapes of errors, CORS, TLS.

use std::fs;

use crate::wire::{Server, config};

#[test]
fn it_is_alive_and_ready_and_says_why() {
    let server = Server::start();
    assert_eq!(server.get("/livez").status, 200);
    // The scheduler and the renewal report as soon as they first run.
    let ready = (0..100).map(|_| server.get("/readyz")).find(|answer| {
        answer.json()["Checks"]["tls"] == "ok" && answer.json()["Checks"]["scheduler"] == "ok"
    });
    let ready = ready.expect("tasks report");
    assert_eq!((ready.status, &ready.json()["Ready"]), (200, &true.into()));
    assert_eq!(ready.json()["Checks"]["store"], "ok");
}

#[test]
fn metrics_count_requests_by_operation_and_outcome() {
    let server = Server::start();
    server.get("/channels");
    server.get("/nothing");
    let metrics = server.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    for line in [
        r#"chime_requests_total{operation="ListChannels",outcome="refused"} 1"#,
        r#"chime_requests_total{operation="unknown",outcome="refused"} 1"#,
    ] {
        assert!(metrics.body.contains(line), "{}", metrics.body);
    }
}

#[test]
fn whatever_is_wrong_with_the_request_line_is_a_typed_error() {
    let server = Server::start();
    server.get("/").is_error(404, "UnknownOperationException");
    server.get("/channels/").is_error(404, "UnknownOperationException");
    server.get("//channels").is_error(404, "UnknownOperationException");
    server.get("/channels/%ff").is_error(400, "BadRequestException");
    server.get("/channels?x=%zz").is_error(400, "BadRequestException");
    server.get("/channels?scope=nothing").is_error(400, "BadRequestException");
    server.post("/livez", "").is_error(405, "MethodNotAllowedException");
    server.send("PATCH /channels HTTP/1.1\r\nhost: a\r\n\r\n").is_error(404, "UnknownOperationException");
    server.send("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").is_error(404, "UnknownOperationException");
}

#[test]
fn a_browser_may_ask_first_and_read_errors_too() {
    let server = Server::start();
    let asked = server.send(
        "OPTIONS /channels HTTP/1.1\r\nhost: a\r\norigin: https://app.test\r\n\
         access-control-request-method: POST\r\naccess-control-request-headers: authorization,x-amz-date\r\n\r\n",
    );
    assert_eq!((asked.status, asked.header("content-length")), (204, None));
    assert_eq!(asked.header("access-control-allow-origin"), Some("*"));
    assert!(asked.header("access-control-allow-headers").unwrap().contains("authorization"));
    let refused = server.send("GET /channels HTTP/1.1\r\nhost: a\r\norigin: https://app.test\r\n\r\n");
    refused.is_error(403, "MissingAuthenticationTokenException");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert!(refused.header("access-control-expose-headers").unwrap().contains("x-amzn-errortype"));
    assert_eq!(server.get("/channels").header("access-control-allow-origin"), None);
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    use std::io::Write;

    let server = Server::start();
    let mut stream = crate::wire::connect(server.address());
    for _ in 0..3 {
        stream.write_all(b"GET /channels HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        crate::wire::Answer::read(&mut stream).is_error(403, "MissingAuthenticationTokenException");
    }
}

#[test]
fn the_tls_listener_is_trusted_by_who_trusts_the_authority_of_the_data_directory() {
    use std::io::Write;
    use std::sync::Arc;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    let server = Server::with(&[("CHIME_PUBLIC_HOST", "chime.test")]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(server.dir.path().join("tls/ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    for name in ["chime.test", "identity-chime.test", "messaging-chime.test", "localhost", "127.0.0.1"] {
        let name = rustls::pki_types::ServerName::try_from(name).unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
        let socket = crate::wire::connect(server.running().endpoints().https);
        let mut stream = rustls::StreamOwned::new(connection, socket);
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: chime.test\r\n\r\n").unwrap();
        assert_eq!(crate::wire::Answer::read(&mut stream).status, 200);
    }
}

#[test]
fn the_chosen_ports_are_in_a_file_and_memory_leaves_nothing_else() {
    let server = Server::start();
    let endpoints: serde_json::Value =
        serde_json::from_slice(&fs::read(server.dir.path().join("endpoints.json")).unwrap()).unwrap();
    assert_eq!(endpoints["Http"], format!("http://{}", server.address()));
    let https = server.running().endpoints().https;
    assert_eq!(endpoints["MessagingEndpoint"], https.to_string());
    let mut files: Vec<_> =
        fs::read_dir(server.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["endpoints.json", "lock", "tls"]);
}

#[test]
fn two_servers_do_not_share_a_data_directory_but_run_side_by_side() {
    let one = Server::start();
    let other = Server::start();
    assert_ne!(one.address(), other.address());
    let same = config(one.dir.path(), &[]);
    let error = one.runtime.block_on(chime_server::boot::start(&same)).unwrap_err();
    assert!(error.to_string().contains("another server uses the data directory"), "{error:#}");
}

#[test]
fn a_database_file_is_made_and_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let path = format!("sqlite:{}", dir.path().join("deep/chime.db").display());
    for _ in 0..2 {
        let config = config(dir.path(), &[("CHIME_DATABASE", &path)]);
        runtime.block_on(async {
            let running = chime_server::boot::start(&config).await.unwrap();
            running.stop(std::future::ready(())).await;
        });
    }
    assert!(dir.path().join("deep/chime.db").exists());
}
