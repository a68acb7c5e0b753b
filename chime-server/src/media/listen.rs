//! Clients that come over TCP or TLS, to the relay or directly.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Media;
use crate::shutdown::Shutdown;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Clients that have not yet said what they want, at a time. More are turned away: they would use up the files of the
/// process, which everybody else needs too.
const UNPROVEN: usize = 256;
/// How long to wait when no connection can be accepted.
const REST: Duration = Duration::from_millis(100);

/// Serves clients of a listener, inside of TLS if there is an acceptor, until what is left when the server stops is cut off.
pub async fn serve(media: Media, listener: TcpListener, tls: Option<TlsAcceptor>, shutdown: Shutdown) {
    let unproven = Arc::new(Semaphore::new(UNPROVEN));
    let accept = async {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(REST).await;
                continue;
            };
            let Ok(unproven) = Arc::clone(&unproven).try_acquire_owned() else { continue };
            // Media is late if it waits to be put together with more.
            let _not_tcp = stream.set_nodelay(true);
            let (media, tls) = (media.clone(), tls.clone());
            tokio::spawn(async move {
                let result = match tls {
                    None => media.0.engine.stream(stream, peer, unproven).await,
                    Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => media.0.engine.stream(stream, peer, unproven).await,
                        Ok(Err(error)) => Err(error),
                        Err(_late) => Err(io::ErrorKind::TimedOut.into()),
                    },
                };
                if let Err(error) = result {
                    tracing::debug!(%peer, %error, "a media stream ended");
                }
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = shutdown.forced() => {}
    }
}

/// Sends everybody away when the server drains.
pub async fn drain(media: Media, shutdown: Shutdown) {
    let guard = shutdown.guard();
    shutdown.draining().await;
    media.drain();
    drop(guard);
}
