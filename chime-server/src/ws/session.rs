//! The task of one connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chime_domain::limits::Quota;
use chime_domain::time::Timestamp;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::admit::{Admitted, Refused};
use super::outgoing::{Close, Next, Outgoing};
use super::prefetch;
use super::roster::NotEntered;
use crate::app::App;
use crate::http::Peer;

/// How long a client that is being closed may take to take its close frame.
const GRACE: Duration = Duration::from_secs(5);
/// Largest message that a client may send; it has nothing to say (wire rule S-10).
const MOST_INCOMING: usize = 64 * 1024;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Buffers as small as they can be, because most connections are idle; raising `read_buffer_size` costs that many
/// bytes for every connection.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(2 * 1024)
        .write_buffer_size(16 * 1024)
        .max_write_buffer_size(1024 * 1024)
        .max_message_size(Some(MOST_INCOMING))
        .max_frame_size(Some(MOST_INCOMING))
}

/// Runs a connection once its handshake is through; `peer` is kept until its end.
pub(super) fn spawn(app: App, upgrade: OnUpgrade, peer: Option<Peer>, admitted: Result<Admitted, Refused>) {
    let guard = app.shutdown().guard();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config())).await;
        let refused = match admitted {
            Ok(admitted) => open(&app, &mut socket, admitted).await.err(),
            Err(refused) => Some(refused),
        };
        if let Some(refused) = refused {
            tracing::debug!(code = refused.code, "a connection was refused");
            app.metrics().closed(refused.code);
            close(&mut socket, refused.code, &refused.reason).await;
        }
        drop(peer);
        drop(guard);
    });
}

async fn open(app: &App, socket: &mut Socket, admitted: Admitted) -> Result<(), Refused> {
    let Admitted { user, session, expires, prefetch } = admitted;
    let hub = app.hub();
    let outgoing = Arc::new(Outgoing::new());
    let limit = app.chime().settings().limits.get(Quota::ConnectionsPerUser);
    let connected = hub.connect(&user, &session, limit, &outgoing).map_err(|_| too_many(limit))?;
    if let Some(roster) = app.roster()
        && let Err(refused) = roster.enter(&user, &session, connected.id, limit).await
    {
        hub.disconnect(connected.id);
        return Err(match refused {
            NotEntered::TooMany => too_many(limit),
            NotEntered::Store(error) => {
                tracing::debug!(%error, "a connection cannot be counted");
                Refused::try_again()
            }
        });
    }
    app.metrics().sessions_changed(1);
    if app.shutdown().is_draining() {
        outgoing.close(Close::Restart);
    }
    let established = hub.establish(app.chime(), &user, connected, &outgoing).await;
    if established.is_ok() {
        let beside = async {
            tokio::join!(
                prefetch::send(app.chime(), &user, prefetch, &outgoing),
                expire(app, expires, &outgoing)
            )
        };
        let ran = tokio::select! {
            code = run(socket, &outgoing) => code,
            ((), never) = beside => match never {},
        };
        if let Some(code) = ran {
            app.metrics().closed(code);
        }
    }
    hub.disconnect(connected.id);
    if let Some(roster) = app.roster() {
        roster.leave(&user, connected.id).await;
    }
    app.metrics().sessions_changed(-1);
    established.map_err(|_| Refused::try_again())
}

/// Closes a connection when the credentials end that opened it.
async fn expire(app: &App, expires: Option<Timestamp>, outgoing: &Outgoing) -> Infallible {
    if let Some(end) = expires {
        app.chime().clock().until(end).await;
        outgoing.close(Close::Expired);
    }
    std::future::pending().await
}

fn too_many(limit: u64) -> Refused {
    Refused::denied(format!("the user has {limit} connections already"))
}

/// Gives the code with which the server closed the connection, if it did.
async fn run(socket: &mut Socket, outgoing: &Outgoing) -> Option<u16> {
    loop {
        tokio::select! {
            next = outgoing.next() => {
                let closing = next.close;
                let sent = tokio::select! {
                    biased;
                    sent = outgoing.sending(send(socket, next)) => sent,
                    // A client that reads nothing holds up `send`; its queue overflows, and it is let go.
                    _ = outgoing.closed(), if closing.is_none() => Err(()),
                };
                if let Some(why) = closing.or_else(|| sent.is_err().then(|| outgoing.closing()).flatten()) {
                    close(socket, why.code(), why.reason()).await;
                    return Some(why.code());
                }
                if sent.is_err() {
                    return None;
                }
            }
            received = socket.next() => match received {
                Some(Ok(Message::Close(_))) => {
                    // The answer to a close is sent by the next flush.
                    let _ = tokio::time::timeout(GRACE, socket.flush()).await;
                    return None;
                }
                Some(Ok(Message::Ping(_))) => {
                    outgoing.heard();
                    if socket.flush().await.is_err() {
                        return None;
                    }
                }
                Some(Ok(_)) => outgoing.heard(),
                Some(Err(error)) => {
                    let (code, reason) = unreadable(&error)?;
                    close(socket, code, reason).await;
                    pass_over(socket).await;
                    return Some(code);
                }
                None => return None,
            },
        }
    }
}

/// How a connection is closed whose client sent what cannot be read; not at all when it is gone.
fn unreadable(error: &Error) -> Option<(u16, &'static str)> {
    match error {
        Error::Capacity(_) => Some((1009, "the message is too large")),
        Error::Protocol(_) | Error::Utf8(_) => Some((1002, "the frame cannot be read")),
        _ => None,
    }
}

async fn send(socket: &mut Socket, next: Next) -> Result<(), ()> {
    for frame in next.frames {
        socket.feed(Message::Text(frame)).await.map_err(|_| ())?;
    }
    if next.ping {
        socket.feed(Message::Ping(Bytes::new())).await.map_err(|_| ())?;
    }
    socket.flush().await.map_err(|_| ())
}

/// Takes what is left of what cannot be read, within bounds: a connection that is closed over it is reset, and the client
/// may never see why.
async fn pass_over(socket: &mut Socket) {
    let rest = async {
        let mut rest = [0; 4096];
        while matches!(socket.get_mut().read(&mut rest).await, Ok(1..)) {}
    };
    let _ = tokio::time::timeout(GRACE, rest).await;
}

/// Sends a close frame and waits for the client's, within bounds.
async fn close(socket: &mut Socket, code: u16, reason: &str) {
    // A close frame has room for 123 bytes of reason.
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = reason.get(..end).unwrap_or_default();
    let frame = CloseFrame { code: code.into(), reason: reason.into() };
    let goodbye = async {
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = tokio::time::timeout(GRACE, goodbye).await;
}
