//! A wire between the store and its database that can be held or cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::RUNTIME;
use crate::servers::Postgres;

/// A record that holds this is what [`Proxy::cut_at_mark`] waits for.
pub(super) const MARK: &str = "the wire is cut here";

const NEVER: u8 = 0;
const AFTER: u8 = 1;
const BEFORE: u8 = 2;

#[derive(Debug, Default)]
struct State {
    held: AtomicBool,
    cut: AtomicU8,
}

#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, state) = (listener.local_addr().unwrap().port(), Arc::new(State::default()));
        let shared = Arc::clone(&state);
        RUNTIME.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", Postgres::shared().port)).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://chime@127.0.0.1:{}/{database}", self.port)
    }

    /// Carries nothing until it is let go, as if the database were paused.
    pub(super) fn hold(&self, held: bool) {
        self.state.held.store(held, Ordering::Relaxed);
    }

    /// Cuts the connection on which [`MARK`] is written next: before the database sees it, or after it has worked on it
    /// and before it is heard.
    pub(super) fn cut_at_mark(&self, seen: bool) {
        self.state.cut.store(if seen { AFTER } else { BEFORE }, Ordering::Relaxed);
    }

    /// True when the cut was made.
    pub(super) fn has_cut(&self) -> bool {
        self.state.cut.load(Ordering::Relaxed) == NEVER
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, state: Arc<State>) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut tail = Vec::new();
    loop {
        let (bytes, upwards) = tokio::select! {
            read = client.read(&mut up) => match read { Ok(count) if count > 0 => (&up[..count], true), _ => return },
            read = server.read(&mut down) => match read { Ok(count) if count > 0 => (&down[..count], false), _ => return },
        };
        while state.held.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if !upwards {
            if client.write_all(bytes).await.is_err() {
                return;
            }
            continue;
        }
        tail.extend_from_slice(bytes);
        let marked = tail.windows(MARK.len()).any(|window| window == MARK.as_bytes());
        tail.drain(..tail.len().saturating_sub(MARK.len()));
        if marked {
            match state.cut.swap(NEVER, Ordering::Relaxed) {
                BEFORE => return,
                AFTER => {
                    server.write_all(bytes).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    return;
                }
                _ => {}
            }
        }
        if server.write_all(bytes).await.is_err() {
            return;
        }
    }
}
