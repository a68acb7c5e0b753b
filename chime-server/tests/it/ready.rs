//! Readiness while the server drains.

use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use chime_adapters::memory::{InProcessBus, MemoryStore};
use chime_adapters::{SystemClock, SystemEntropy};
use chime_domain::Chime;
use chime_server::http::{ConnectionLimits, Listener, router, serve};
use chime_server::shutdown::Shutdown;
use chime_server::{App, AppOptions, worker};

use crate::wire::{Answer, connect};

/// The listener belongs to whoever mounts the router, as a load balancer's probe finds it: it goes on accepting.
#[test]
fn while_draining_it_is_alive_and_not_ready_and_says_why() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (app, address) = runtime.block_on(async {
        let chime = Chime::builder(MemoryStore::new(), SystemClock, SystemEntropy).build().await.unwrap();
        let app = App::new(chime, AppOptions::default());
        worker::spawn(&app, std::sync::Arc::new(InProcessBus::new())).await.unwrap();
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), None).await.unwrap();
        let address = listener.address();
        let limits = ConnectionLimits::new(100, Duration::from_secs(20));
        tokio::spawn(serve(listener, router(app.clone()), limits, Shutdown::default()));
        (app, address)
    });
    let get = |path: &str| {
        let mut stream = connect(address);
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        Answer::read(&mut stream)
    };
    let before = get("/readyz");
    assert_eq!((before.status, before.json()["Checks"]["serving"].as_str()), (200, Some("ok")), "{before:?}");

    app.shutdown().drain();
    let draining = get("/readyz");
    assert_eq!(draining.status, 503, "{draining:?}");
    assert_eq!(draining.json()["Ready"], false);
    assert_eq!(draining.json()["Checks"]["serving"], "shutting down");
    assert_eq!(draining.json()["Checks"]["store"], "ok", "what works says so all the same");
    assert_eq!(get("/livez").status, 200);
}
