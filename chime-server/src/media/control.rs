//! `GET /control/{meeting}`: a client's signaling (the signaling guide, section 2).

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use chime_media::driver::Input;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use super::Media;
use super::live::{Outgoing, Place, home};
use super::promote::{holder, promote};
use super::refused::{Refused, refuse};
use crate::api::ApiError;
use crate::api::response::{RequestId, failure};
use crate::app::App;
use crate::http::Peer;
use crate::ws::{handshake_key, switching};

/// The subprotocol beside the token, which the server chooses.
const PROTOCOL: HeaderValue = HeaderValue::from_static("_aws_wt_session");
/// Largest message: an offer with 25 videos has some 150 KB.
const MOST_INCOMING: usize = 512 * 1024;
/// Messages that a client may send in a second; it is read no faster.
const MOST_MESSAGES: u32 = 200;
/// How long a client may take no frame.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client that is being closed may take to take its close frame.
const GRACE: Duration = Duration::from_secs(5);

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Opens a client's signaling.
pub(crate) async fn control(
    State(app): State<App>,
    Path(meeting): Path<String>,
    mut request: Request,
) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (mut parts, _) = request.into_parts();
    let id = RequestId::take(&mut parts);
    let Some(media) = app.media().cloned() else {
        return failure(&ApiError::bad_request("MTG-02", "This server has no media."), None, &id);
    };
    let (Some(upgrade), Some(key), Some(token)) = (upgrade, handshake_key(&parts), token(&parts)) else {
        let error =
            ApiError::bad_request("MTG-02", "This path speaks the signaling of meetings over WebSocket.");
        let mut answer = failure(&error, None, &id);
        if parts.headers.contains_key(SEC_WEBSOCKET_VERSION) {
            *answer.status_mut() = StatusCode::UPGRADE_REQUIRED;
            answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        return answer;
    };
    let guard = app.shutdown().guard();
    let peer = parts.extensions.remove::<Peer>();
    tokio::spawn(async move {
        run(app, media, upgrade, meeting, token).await;
        drop(peer);
        // Whoever is connected has to be told that the server stops.
        drop(guard);
    });
    let mut answer = switching(&key);
    answer.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    answer
}

/// The join token: the subprotocol that is not ours.
fn token(parts: &Parts) -> Option<String> {
    let values = parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL).into_iter();
    let mut names =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim);
    names.find(|name| !name.is_empty() && name.as_bytes() != PROTOCOL.as_bytes()).map(str::to_owned)
}

async fn run(app: App, media: Media, upgrade: OnUpgrade, meeting: String, token: String) {
    let Ok(upgraded) = upgrade.await else { return };
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(16 * 1024)
        .max_write_buffer_size(2 * 1024 * 1024)
        .max_message_size(Some(MOST_INCOMING))
        .max_frame_size(Some(MOST_INCOMING));
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    match admit(&app, &media, &meeting, &token).await {
        Ok(place) => serve(&app, &media, &mut socket, place).await,
        Err(why) => {
            tracing::debug!(code = why.code(), "a client may not join a meeting");
            let now = u64::try_from(app.chime().now().millis()).unwrap_or_default();
            refuse(&mut socket, why, now, app.shutdown()).await;
        }
    }
}

async fn admit(app: &App, media: &Media, meeting: &str, token: &str) -> Result<Place, Refused> {
    if app.shutdown().is_draining() {
        return Err(Refused::TryAgain);
    }
    let meetings = app.chime().meetings();
    let admission = meetings.admit(meeting, token).await?;
    if home(&admission).node != media.node() {
        return Err(Refused::TryAgain);
    }
    let place = media.0.lives.join(&media.0.engine, app.chime(), media.node(), &admission);
    // Whoever ended the meeting meanwhile, or changed what the attendee may do, did not find this one in it.
    let why = match meetings.admit(meeting, token).await {
        Ok(_) if app.shutdown().is_draining() => Some(Refused::TryAgain),
        Ok(again) if home(&again).node != media.node() => Some(Refused::TryAgain),
        Ok(again) if again.primary.is_some() == admission.primary.is_some() => {
            if again.capabilities != admission.capabilities {
                let (id, may) = (&again.meeting.id, again.capabilities);
                media.0.lives.allow(&media.0.engine, id, &again.attendee, may);
            }
            None
        }
        // The meeting whose media it gets has ended; its own has not.
        Ok(_) => {
            media.0.lives.end(&media.0.engine, &place.meeting);
            Some(Refused::TryAgain)
        }
        Err(error) => Some(Refused::from(error)),
    };
    if let Some(why) = why {
        leave(media, &place);
        if why == Refused::Ended {
            media.0.lives.end(&media.0.engine, &admission.meeting.id);
        }
        return Err(why);
    }
    Ok(place)
}

async fn serve(app: &App, media: &Media, socket: &mut Socket, mut place: Place) {
    let engine = &media.0.engine;
    let (mut since, mut count) = (Instant::now(), 0);
    let code = loop {
        tokio::select! {
            outgoing = place.outgoing.recv() => match outgoing {
                Some(Outgoing::Frame(frame)) => {
                    if send(socket, Bytes::from_owner(frame)).await.is_err() {
                        break None;
                    }
                }
                Some(Outgoing::Promote(credentials)) => {
                    let who = || holder(app, &place, &credentials);
                    promote(place.session, who, |input| engine.post(place.key, input)).await;
                }
                Some(Outgoing::Close(code)) => break Some(code),
                // It did not take what it was sent.
                None => break Some(4500),
            },
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Binary(bytes))) => {
                    engine.post(place.key, Input::Message(place.session, bytes.into()));
                    count += 1;
                    if count >= MOST_MESSAGES {
                        tokio::time::sleep(Duration::from_secs(1).saturating_sub(since.elapsed())).await;
                        (since, count) = (Instant::now(), 0);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                Some(Ok(_)) => {}
            },
        }
    };
    leave(media, &place);
    if let Some(code) = code {
        close(socket, code).await;
    }
}

/// Gives up a place; a meeting that stays empty is forgotten later.
fn leave(media: &Media, place: &Place) {
    if media.0.lives.leave(&media.0.engine, place, Instant::now()) {
        let media = media.clone();
        // One for all of them, while there are any.
        tokio::spawn(async move {
            while let Some(next) = media.0.lives.forget(&media.0.engine, Instant::now()) {
                tokio::time::sleep(next.saturating_duration_since(Instant::now())).await;
            }
        });
    }
}

/// Sends a frame; fails when the client does not take it.
pub(super) async fn send(socket: &mut Socket, frame: Bytes) -> Result<(), Error> {
    let late = |_| Error::Io(std::io::ErrorKind::TimedOut.into());
    timeout(PATIENCE, socket.send(Message::Binary(frame))).await.map_err(late)?
}

pub(super) async fn close(socket: &mut Socket, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    let closing = async {
        if socket.close(Some(frame)).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    // A client that does not answer is left alone.
    let _late = timeout(GRACE, closing).await;
}
