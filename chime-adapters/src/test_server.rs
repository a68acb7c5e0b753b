//! Servers that tests need, each on a port of its own, ended with the test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a harness of tests fails them by panicking, and waits by the clock of the machine"
)]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A server that ends when it is dropped.
pub(crate) struct TestServer {
    child: Child,
    pub(crate) port: u16,
}

impl TestServer {
    /// Starts a program, given its port, and waits until it listens; `None` where the program is not installed.
    pub(crate) fn start(program: &str, arguments: impl FnOnce(&str) -> Vec<String>) -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        command.args(arguments(&port.to_string()));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = match child {
            Ok(child) => Self { child, port },
            Err(error) if std::env::var_os("CHIME_TEST_SERVERS").is_none() => {
                eprintln!("skipped: {program}: {error}");
                return None;
            }
            Err(error) => panic!("{program}: {error}: scripts/setup.sh test installs it"),
        };
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "{program} does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    /// Stops answering, or goes on.
    pub(crate) fn pause(&self, pause: bool) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, if pause { Signal::STOP } else { Signal::CONT }).unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
