//! Names of things.

use std::fmt;
use std::sync::Arc;

/// One connection of a client: a WebSocket and the peer that it negotiates. Chosen by whoever embeds the engine, never
/// used twice in a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// The part of an attendee that marks its content share.
pub const CONTENT: &str = "#content";

/// Whoever a session is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// Its id, without `#content`.
    pub id: Arc<str>,
    /// What the application calls it.
    pub external_user_id: Arc<str>,
    /// The session is of its content share.
    pub content: bool,
    /// What it may do.
    pub capabilities: Capabilities,
    /// The replica of the meeting that it is in, by the name its embedder gives it: it receives what the others do, and
    /// nobody knows of it until it is promoted. None for whoever is in the meeting itself.
    pub replica: Option<Arc<str>>,
}

impl Attendee {
    /// The name in the signaling: with `#content` for a content share.
    #[must_use]
    pub fn name(&self) -> String {
        if self.content { format!("{}{CONTENT}", self.id) } else { self.id.to_string() }
    }
}

/// Which ways a medium may go for an attendee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Both ways.
    SendReceive,
    /// Only from the attendee.
    Send,
    /// Only to the attendee.
    Receive,
    /// Neither.
    None,
}

impl Capability {
    /// Whether the attendee may send.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendReceive | Self::Send)
    }

    /// Whether the attendee may receive.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendReceive | Self::Receive)
    }
}

/// What an attendee may do with each medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Its voice, and the mix.
    pub audio: Capability,
    /// Its camera, and those of others.
    pub video: Capability,
    /// Its content share, and those of others.
    pub content: Capability,
}

impl Default for Capabilities {
    fn default() -> Self {
        let both = Capability::SendReceive;
        Self { audio: both, video: both, content: both }
    }
}

/// A stream of video: one encoding, unique in its meeting and never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// A source of video: all encodings of a camera or content share. Later ones have higher numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
