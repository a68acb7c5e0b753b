//! How many connections may be open.

use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

use chime_adapters::memory::MemoryStore;
use chime_adapters::{SystemClock, SystemEntropy};
use chime_domain::Chime;
use chime_server::http::{ConnectionLimits, Listener, router, serve};
use chime_server::shutdown::Shutdown;
use chime_server::{App, AppOptions};

use crate::wire::connect;

#[test]
fn a_websocket_counts_as_a_connection_until_its_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let address = runtime.block_on(async {
        let chime = Chime::builder(MemoryStore::new(), SystemClock, SystemEntropy).build().await.unwrap();
        let app = App::new(chime, AppOptions::default());
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into(), None).await.unwrap();
        let address = listener.address();
        let limits = ConnectionLimits::new(1, Duration::from_secs(20));
        tokio::spawn(serve(listener, router(app), limits, Shutdown::default()));
        address
    });
    let mut socket = connect(address);
    // Nobody may connect like this, which is said after the handshake; then the answer to that is waited for.
    let handshake = "GET /connect HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";
    socket.write_all(handshake.as_bytes()).unwrap();
    let mut first = [0; 12];
    socket.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 101");

    let mut waiting = connect(address);
    write!(waiting, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    waiting.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let early = waiting.read(&mut first);
    assert!(early.is_err(), "the only connection is taken: {first:?}");
    drop(socket);
    waiting.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    waiting.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
}
