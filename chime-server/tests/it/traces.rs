//! Traces, with a collector that takes what comes or does not answer.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::{Process, connect};
use crate::wire::Answer;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector on a port of its own, and the requests that it got, whole.
fn collector() -> (u16, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                while let Some(request) = request(&mut stream) {
                    let _ = sender.send(request);
                    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    (port, receiver)
}

/// The next request of a connection.
fn request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    bytes.extend(body);
    Some(bytes)
}

/// A server whose traces go to this port of the machine.
fn server(dir: &Path, port: u16, further: &str) -> Process {
    let file = dir.join("chime.toml");
    let text = format!("[telemetry]\notlp_endpoint = \"http://127.0.0.1:{port}/\"\n{further}\n");
    std::fs::write(&file, text).unwrap();
    let mut process = Process::start(dir, &["--database", "memory:", "--config", file.to_str().unwrap()]);
    process.greeting();
    process
}

fn send(dir: &Path, request: &str) -> Answer {
    let mut stream = connect(dir);
    stream.write_all(request.as_bytes()).unwrap();
    Answer::read(&mut stream)
}

/// A value of protobuf's wire format.
#[derive(Clone, Debug)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The members of a message, by their numbers.
fn message(mut bytes: &[u8]) -> Vec<(u64, Value)> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut members = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes);
        let length = match tag & 7 {
            0 => {
                members.push((tag >> 3, Value::Number(number(&mut bytes))));
                continue;
            }
            1 => 8,
            2 => usize::try_from(number(&mut bytes)).unwrap(),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (value, rest) = bytes.split_at(length);
        members.push((tag >> 3, Value::Bytes(value.to_vec())));
        bytes = rest;
    }
    members
}

fn all(bytes: &[u8], member: u64) -> Vec<Vec<u8>> {
    let of = |(number, value)| match value {
        Value::Bytes(bytes) if number == member => Some(bytes),
        _ => None,
    };
    message(bytes).into_iter().filter_map(of).collect()
}

fn one(bytes: &[u8], member: u64) -> Vec<u8> {
    all(bytes, member).pop().unwrap_or_default()
}

fn whole(bytes: &[u8], member: u64) -> u64 {
    let of = |(number, value)| match value {
        Value::Number(value) if number == member => Some(value),
        _ => None,
    };
    message(bytes).into_iter().find_map(of).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Debug)]
struct Span {
    trace: String,
    parent: String,
    name: String,
    kind: u64,
    failed: bool,
    attributes: HashMap<String, String>,
}

fn attributes(pairs: Vec<Vec<u8>>) -> HashMap<String, String> {
    let of = |pair: Vec<u8>| {
        let (key, value) = (String::from_utf8(one(&pair, 1)).unwrap(), one(&pair, 2));
        let text = String::from_utf8(one(&value, 1)).unwrap();
        (key, if text.is_empty() { whole(&value, 3).to_string() } else { text })
    };
    pairs.into_iter().map(of).collect()
}

/// The service and the spans of a request to the collector.
fn spans(request: &[u8]) -> (String, Vec<Span>) {
    let head = request.windows(4).position(|at| at == b"\r\n\r\n").unwrap();
    let (mut service, mut found) = (String::new(), Vec::new());
    for of_resource in all(&request[head + 4..], 1) {
        service = attributes(all(&one(&of_resource, 1), 1))["service.name"].clone();
        for span in all(&of_resource, 2).iter().flat_map(|of_scope| all(of_scope, 2)) {
            found.push(Span {
                trace: hex(&one(&span, 1)),
                parent: hex(&one(&span, 4)),
                name: String::from_utf8(one(&span, 5)).unwrap(),
                kind: whole(&span, 6),
                failed: whole(&one(&span, 15), 3) == 2,
                attributes: attributes(all(&span, 9)),
            });
        }
    }
    (service, found)
}

#[test]
fn a_request_is_a_span_of_its_callers_trace_without_what_it_said() {
    let dir = tempfile::tempdir().unwrap();
    let (port, requests) = collector();
    let mut process = server(
        dir.path(),
        port,
        "otlp_headers = [\"x-key=s3cret\"]\nservice_name = \"chat\"\ntrace_ratio = \"0\"",
    );
    let request = format!(
        "POST /channels?hunter2 HTTP/1.1\r\nhost: a\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n\
         authorization: hunter2\r\nx-amz-chime-bearer: hunter2\r\ncontent-length: 19\r\n\r\n{{\"Name\": \"hunter2\"}}"
    );
    assert_eq!(send(dir.path(), &request).status, 403);
    // Of those that begin here none is kept, as the ratio says; a parent that cannot be read is none.
    for parent in ["", "traceparent: 00-zz-zz-01\r\n"] {
        send(dir.path(), &format!("GET /app-instances HTTP/1.1\r\nhost: a\r\n{parent}\r\n"));
    }
    let query = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=a&WebIdentityToken=hunter2\
                 &RoleArn=arn:aws:iam::123456789012:role/a";
    let request = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntraceparent: 00-{TRACE}-{PARENT}-01\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{query}",
        query.len()
    );
    let refused = send(dir.path(), &request).status;
    assert!((400..500).contains(&refused), "{refused}");
    process.signal(Signal::TERM);
    assert!(process.end_within(Duration::from_secs(10)).success());

    let mut found = Vec::new();
    while let Ok(request) = requests.recv_timeout(Duration::from_millis(200)) {
        let text = String::from_utf8_lossy(&request).into_owned();
        assert!(text.starts_with("POST /v1/traces HTTP/1.1\r\n") && text.contains("x-key: s3cret"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let (service, spans) = spans(&request);
        assert_eq!(service, "chat");
        found.extend(spans);
    }
    assert_eq!(
        found.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(),
        ["CreateChannel", "AssumeRoleWithWebIdentity"]
    );
    for (span, status) in found.iter().zip([403, refused]) {
        assert_eq!((span.trace.as_str(), span.parent.as_str(), span.kind), (TRACE, PARENT, 2), "{span:?}");
        assert_eq!(span.attributes["operation"], span.name);
        assert_eq!(span.attributes["http.response.status_code"], status.to_string());
        assert_eq!(span.attributes["request.id"].len(), 36, "{span:?}");
        assert_eq!(span.attributes.len(), 3, "{span:?}");
        assert!(!span.failed, "a refusal is no failure");
    }
}

#[test]
fn a_collector_that_does_not_answer_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    // It takes connections, and nothing more.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut process = server(dir.path(), silent.local_addr().unwrap().port(), "");
    let mut stream = connect(dir.path());
    let begun = Instant::now();
    // More than the queue holds.
    for _ in 0..4000 {
        stream.write_all(b"GET /app-instances HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        assert_eq!(Answer::read(&mut stream).status, 403);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    process.signal(Signal::TERM);
    assert!(process.end_within(Duration::from_secs(10)).success());
}

#[test]
fn traces_that_begin_here_are_kept_by_default() {
    let dir = tempfile::tempdir().unwrap();
    let (port, requests) = collector();
    let _process = server(dir.path(), port, "");
    send(dir.path(), "GET /app-instances HTTP/1.1\r\nhost: a\r\n\r\n");
    // They come by themselves, and not at the end alone.
    let (service, spans) = spans(&requests.recv_timeout(Duration::from_secs(20)).unwrap());
    assert_eq!((service.as_str(), spans.len()), ("chime-server", 1));
    assert_eq!((spans[0].name.as_str(), spans[0].parent.as_str()), ("ListAppInstances", ""));
}
