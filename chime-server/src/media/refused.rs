//! Clients that may not join.

use std::time::Duration;

use chime_domain::meetings::AdmitError;
use chime_media::signal::proto::{Error, FrameType, JoinAck, PingPong, PingPongType, SignalFrame};
use chime_media::signal::{decode, encode};
use futures_util::StreamExt as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::control::{Socket, close, send};
use crate::shutdown::Shutdown;

/// How long a client may take to say that it joins.
const JOIN: Duration = Duration::from_secs(30);

/// Why somebody may not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The meeting is over, or never was.
    Ended,
    /// The token is not good, or its attendee was deleted.
    Forbidden,
    /// The meeting is elsewhere, or it cannot be known now.
    TryAgain,
}

impl Refused {
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::Ended => 4410,
            Self::Forbidden => 4403,
            Self::TryAgain => 4500,
        }
    }
}

impl From<AdmitError> for Refused {
    fn from(error: AdmitError) -> Self {
        match error {
            AdmitError::UnknownMeeting => Self::Ended,
            AdmitError::WrongToken | AdmitError::DeletedAttendee => Self::Forbidden,
            _ => Self::TryAgain,
        }
    }
}

/// Tells a client that it may not join, in the words that it understands: a code counts only after its JOIN.
pub(super) async fn refuse(socket: &mut Socket, why: Refused, now: u64, shutdown: &Shutdown) {
    let joining = async {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Binary(bytes) = message else { continue };
            let Ok(frame) = decode(&bytes) else { continue };
            match frame.kind() {
                FrameType::Join => return true,
                FrameType::PingPong => {
                    let id = frame.ping_pong.map(|ping| ping.ping_id).unwrap_or_default();
                    let pong = PingPong { kind: PingPongType::Pong.into(), ping_id: id };
                    let answer =
                        SignalFrame { ping_pong: Some(pong), ..SignalFrame::new(now, FrameType::PingPong) };
                    if send(socket, encode(&answer).into()).await.is_err() {
                        return false;
                    }
                }
                _ => {}
            }
        }
        false
    };
    let joined = tokio::select! {
        joined = timeout(JOIN, joining) => joined.unwrap_or(false),
        () = shutdown.draining() => false,
    };
    if joined && why == Refused::Forbidden {
        let error = Error { status: Some(403), description: Some("the join token is not good".to_owned()) };
        let answer = SignalFrame {
            joinack: Some(JoinAck::default()),
            error: Some(error),
            ..SignalFrame::new(now, FrameType::JoinAck)
        };
        if send(socket, encode(&answer).into()).await.is_err() {
            return;
        }
    }
    close(socket, why.code()).await;
}
