//! What a meeting tells whoever embeds it.

use std::sync::Arc;

use crate::ids::{Attendee, SessionId};
use crate::rtp::packet::PayloadTypes;
use crate::signal::proto::Credentials;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaEvent {
    /// To whom.
    pub attendee: Attendee,
    /// What.
    pub what: Happened,
}

/// What can happen to an attendee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It has joined the signaling.
    Authorized,
    /// Its media connection is up.
    Joined,
    /// It has left, or was sent away.
    Left,
    /// Its connection was lost and did not come back in time.
    Dropped,
    /// Its camera, or its content's picture, was switched on.
    VideoStarted,
    /// It was switched off.
    VideoStopped,
}

/// What is to be done outside of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a binary WebSocket message.
    Signal {
        /// To whom.
        session: SessionId,
        /// The message.
        message: Arc<[u8]>,
    },
    /// Close a WebSocket once what was sent before is out.
    Close {
        /// Whose.
        session: SessionId,
        /// With which code.
        code: u16,
    },
    /// Checks with this user fragment are for this session.
    Route {
        /// Our user fragment.
        ufrag: String,
        /// Whose it is.
        session: SessionId,
        /// Its payload types of audio, which need not be handed in before the next tick: nothing is made of them earlier.
        audio: PayloadTypes,
    },
    /// The session has no peer any more: nothing that arrives is for it.
    Unroute {
        /// Whose user fragment is free.
        session: SessionId,
    },
    /// An attendee of a replica shows that it is an attendee of the meeting itself, too: whoever knows of tokens answers
    /// with [`Meeting::promote`](crate::meeting::Meeting::promote).
    Promote {
        /// Who asks.
        session: SessionId,
        /// As which attendee, with which token.
        credentials: Credentials,
    },
    /// Something that others want to know.
    Event(MediaEvent),
}

/// Why everybody, or somebody, is sent away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The meeting has ended.
    Ended,
    /// The attendee was deleted.
    Removed,
    /// The attendee has joined from another device.
    Elsewhere,
    /// This server stops; the client is to come again.
    Restart,
}

impl Farewell {
    /// The status of AUDIO_STATUS (the signaling guide, section 9.1), if one is sent.
    #[must_use]
    pub const fn audio_status(self) -> Option<u32> {
        match self {
            Self::Ended => Some(410),
            Self::Removed => Some(411),
            Self::Elsewhere => Some(301),
            Self::Restart => None,
        }
    }

    /// The close code that follows.
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Restart => 4500,
            _ => 4410,
        }
    }
}
