//! NATS.

use std::sync::OnceLock;

use super::{Process, free_port, until};

/// A NATS server of our own.
#[derive(Debug)]
pub(crate) struct Nats {
    pub(crate) port: u16,
    options: Vec<String>,
    process: Option<Process>,
}

impl Nats {
    /// The one that all tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Nats> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    pub(crate) fn start() -> Self {
        Self::start_with(vec![])
    }

    /// One with further options on its command line.
    pub(crate) fn start_with(options: Vec<String>) -> Self {
        let mut server = Self { port: free_port(), options, process: None };
        server.resume();
        server
    }

    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Ends it without a word to its clients.
    pub(crate) fn kill(&mut self) {
        let process = self.process.take().unwrap();
        process.signal("-KILL");
    }

    /// Starts it again after [`Nats::stop`] or [`Nats::kill`].
    pub(crate) fn resume(&mut self) {
        let port = self.port.to_string();
        let program = ["nats-server", "-a", "127.0.0.1", "-p", &port].map(String::from);
        self.process = Some(Process::start(&[&program, &*self.options].concat()));
        let address = format!("127.0.0.1:{port}");
        until("starting NATS (scripts/setup.sh test installs it)", || {
            std::net::TcpStream::connect(&address).is_ok()
        });
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}
