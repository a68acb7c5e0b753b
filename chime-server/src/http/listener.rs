//! Listening sockets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::connection::{self, ConnectionLimits, Server};
use crate::shutdown::Shutdown;

/// How long accepting rests after the system had no more file descriptors.
const REST: Duration = Duration::from_millis(50);

/// A bound socket, with TLS or without.
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).field("tls", &self.tls.is_some()).finish()
    }
}

impl Listener {
    /// Binds; port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The system's.
    pub async fn bind(address: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        let address = tcp.local_addr()?;
        Ok(Self { tcp, address, tls })
    }

    /// The address, with the port that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Accepts connections until draining begins; [`Shutdown::finished`] waits for those that are open.
pub async fn serve(listener: Listener, router: Router, limits: ConnectionLimits, shutdown: Shutdown) {
    let server = Server { router, tls: listener.tls, limits, shutdown: shutdown.clone() };
    let accept = async {
        loop {
            let Ok(permit) = Arc::clone(&server.limits.open).acquire_owned().await else { return };
            match listener.tcp.accept().await {
                Ok((stream, address)) => {
                    let (server, guard) = (server.clone(), server.shutdown.guard());
                    tokio::spawn(async move {
                        connection::serve(server, stream, address, permit).await;
                        drop(guard);
                    });
                }
                Err(error) if is_of_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown.draining() => {}
    }
}

/// Whether only the connection that was to be accepted failed.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind())
}
