//! One connection: its handshake, its requests, its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use crate::shutdown::Shutdown;

/// Requests under way at once on one HTTP/2 connection.
const STREAMS: u32 = 256;
/// How much of headers is held, on either version.
const HEADER_BYTES: u32 = 64 * 1024;
/// How often a silent HTTP/2 peer is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(60);

/// Where a request came from. Whoever keeps it, as a WebSocket session does, is counted as a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Address of the other side.
    pub address: SocketAddr,
    /// Whether it came over TLS.
    pub secure: bool,
    _counted: Arc<OwnedSemaphorePermit>,
}

/// Bounds of connections, shared by all listeners.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// How many may be open; further ones wait to be accepted.
    pub(super) open: Arc<Semaphore>,
    /// How long a TLS handshake may take, and the headers of a request; an idle connection is closed after it too.
    header_timeout: Duration,
}

impl ConnectionLimits {
    /// At most `open` connections, each sending the headers of a request within `header_timeout`.
    #[must_use]
    pub fn new(open: usize, header_timeout: Duration) -> Self {
        Self { open: Arc::new(Semaphore::new(open.min(Semaphore::MAX_PERMITS))), header_timeout }
    }
}

/// What the connections of one listener share.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: ConnectionLimits,
    pub(super) shutdown: Shutdown,
}

/// Serves a connection to its end.
pub(super) async fn serve(
    server: Server,
    stream: TcpStream,
    address: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    // Answers are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let peer = Peer { address, secure: server.tls.is_some(), _counted: Arc::new(permit) };
    match server.tls.clone() {
        None => requests(server, stream, peer).await,
        Some(tls) => match tokio::time::timeout(server.limits.header_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(server, stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn requests(server: Server, io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, peer: Peer) {
    let Server { router, limits, shutdown, .. } = server;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEADER_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(limits.header_timeout);
    let spoke = Arc::new(AtomicBool::new(false));
    let service = {
        let spoke = Arc::clone(&spoke);
        service_fn(move |mut request: hyper::Request<Incoming>| {
            spoke.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(peer.clone());
            router.clone().call(request)
        })
    };
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(io), service));
    // The builder's own timeout begins once it knows the version of HTTP, which the first bytes tell.
    let mut silent = pin!(tokio::time::sleep(limits.header_timeout));
    let mut watch_silence = true;
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            () = silent.as_mut(), if watch_silence => {
                watch_silence = false;
                if !spoke.load(Ordering::Relaxed) {
                    return;
                }
            }
            () = shutdown.draining(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = shutdown.forced() => return,
        }
    }
}
