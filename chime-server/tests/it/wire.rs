//! A server on free ports, and HTTP/1.1 by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use chime_server::boot::{self, Running};
use chime_server::config::Config;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "AKIATESTTESTTESTTEST";
pub(crate) const SECRET: &str = "test-secret-test-secret-test-secret-test";

/// A server, stopped when it is dropped.
pub(crate) struct Server {
    pub(crate) running: Option<Running>,
    pub(crate) runtime: Runtime,
    pub(crate) dir: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With further environment variables.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = config(dir.path(), variables);
        let running = runtime.block_on(boot::start(&config)).unwrap();
        Self { running: Some(running), runtime, dir }
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running().endpoints().http
    }

    /// Sends bytes and reads one answer.
    pub(crate) fn send(&self, request: &str) -> Answer {
        let mut stream = connect(self.address());
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(&mut stream)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: chime.test\r\n\r\n"))
    }

    pub(crate) fn post(&self, target: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(&format!(
            "POST {target} HTTP/1.1\r\nhost: chime.test\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop(std::future::ready(())));
        }
    }
}

pub(crate) fn config(dir: &std::path::Path, variables: &[(&str, &str)]) -> Config {
    let mut all = vec![
        ("CHIME_DATA_DIR", dir.to_str().unwrap()),
        ("CHIME_DATABASE", "memory:"),
        ("CHIME_HTTP_LISTEN", "127.0.0.1:0"),
        ("CHIME_HTTPS_LISTEN", "127.0.0.1:0"),
        ("CHIME_MEDIA_LISTEN", "127.0.0.1:0"),
        ("CHIME_ROOT_ACCESS_KEY_ID", KEY),
        ("CHIME_ROOT_SECRET_ACCESS_KEY", SECRET),
    ];
    all.extend_from_slice(variables);
    // The last of several of one name is in force.
    let all: Vec<_> = all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Config::from_layers(&[], None, &all).unwrap()
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            if let Some(answer) = Self::parse(&bytes) {
                return answer;
            }
            let read = stream.read(&mut chunk).unwrap();
            assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&chunk[..read]);
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let answer = Self { status, head: head.to_owned(), body: body.to_owned() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        (body.len() >= length).then_some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts an error in the shape of the wire, and gives its message.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, name: &str) -> String {
        assert_eq!((self.status, self.header("x-amzn-errortype")), (status, Some(name)), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("x-amzn-requestid").map(str::len), Some(36));
        assert!(self.header("date").is_some());
        let body = self.json();
        assert!(body["Code"].is_string(), "{self:?}");
        body["Message"].as_str().unwrap().to_owned()
    }
}
