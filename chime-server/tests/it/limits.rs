//! Slow and oversized requests, and what they do to others.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::wire::{Answer, Server, connect};

#[test]
fn a_body_beyond_the_limit_is_refused_before_it_is_sent_and_while_it_is() {
    let server = Server::with(&[("CHIME_HTTP__MAX_BODY_BYTES", "2048")]);
    server
        .send("POST /channels HTTP/1.1\r\nhost: a\r\ncontent-length: 999999999\r\n\r\n")
        .is_error(413, "RequestEntityTooLargeException");
    let chunk = format!("{:x}\r\n{}\r\n", 1500, "x".repeat(1500));
    server
        .send(&format!(
            "POST /channels HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        ))
        .is_error(413, "RequestEntityTooLargeException");
    let body = "x".repeat(2048);
    server.post("/channels", &body).is_error(403, "MissingAuthenticationTokenException");
}

#[test]
fn a_body_that_does_not_arrive_is_answered_and_the_connection_closed() {
    let server = Server::with(&[("CHIME_HTTP__BODY_TIMEOUT_SECONDS", "1")]);
    let mut stream = connect(server.address());
    stream.write_all(b"POST /channels HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc").unwrap();
    Answer::read(&mut stream).is_error(408, "RequestTimeoutException");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn a_connection_that_says_nothing_or_half_a_word_is_closed() {
    let server = Server::with(&[("CHIME_HTTP__HEADER_TIMEOUT_SECONDS", "1")]);
    for said in ["", "P", "PRI * HTTP/2", "GET /livez HTTP/1.1\r\nhost:"] {
        let start = Instant::now();
        let mut stream = connect(server.address());
        stream.write_all(said.as_bytes()).unwrap();
        let mut rest = Vec::new();
        // A reset ends the connection as well.
        let _ = stream.read_to_end(&mut rest);
        assert!(start.elapsed() < Duration::from_secs(10), "{said:?}");
    }
    let start = Instant::now();
    let mut tls = connect(server.running().endpoints().https);
    let _ = tls.read_to_end(&mut Vec::new());
    assert!(start.elapsed() < Duration::from_secs(10), "a handshake that does not begin");
}

#[test]
fn bytes_that_are_no_http_are_refused_and_the_next_client_is_served() {
    let server = Server::start();
    for noise in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n"] {
        let mut stream = connect(server.address());
        stream.write_all(noise).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 5"), "{:?}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_full_house_lets_the_next_one_wait_and_then_in() {
    let server = Server::with(&[("CHIME_HTTP__MAX_CONNECTIONS", "2")]);
    let mut first = connect(server.address());
    first.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    assert_eq!(Answer::read(&mut first).status, 200);
    let mut others: Vec<_> = (0..2).map(|_| connect(server.address())).collect();
    for other in &mut others {
        other.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    }
    drop(first);
    for other in &mut others {
        assert_eq!(Answer::read(other).status, 200);
    }
}
