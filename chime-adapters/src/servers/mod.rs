//! Servers that tests need, started privately and ended with the test process.
#![expect(clippy::unwrap_used, reason = "it is test code")]

#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "postgres")]
mod postgres;

use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[cfg(feature = "nats")]
pub(crate) use nats::Nats;
#[cfg(feature = "postgres")]
pub(crate) use postgres::{Postgres, psql};
use tokio::time::Instant;

/// A free port of this machine.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server that is ended, by its process id, when this is dropped or when the test process ends in whatever way: a
/// shell waits for the end of its standard input for it.
#[derive(Debug)]
pub(crate) struct Process {
    guardian: Child,
    /// Process id of the server itself.
    pub(crate) pid: u32,
}

impl Process {
    pub(crate) fn start(program: &[String]) -> Self {
        let script =
            r#""$@" >/dev/null 2>&1 & pid=$!; echo $pid; read -r _; kill -INT $pid 2>/dev/null; wait $pid"#;
        let mut guardian = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        let mut out = guardian.stdout.take().unwrap();
        let mut byte = [0];
        while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            pid.push(char::from(byte[0]));
        }
        Self { guardian, pid: pid.parse().unwrap() }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid.to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} took too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}
