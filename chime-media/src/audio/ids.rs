//! Names and small values of the interface.

/// A connection that sends or hears audio; given by the engine, unique in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A person: sends speech, hears all others.
    Attendee,
    /// The sound of a shared screen: heard by everybody but its owner, hears nothing.
    Content {
        /// The attendee who shares, if in this room.
        owner: Option<SourceId>,
    },
}

/// Whether a packet is worth decrypting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// It will not be heard: do not decrypt it, do not call [`Room::packet`](super::Room::packet).
    Skip,
    /// Decrypt it and pass it on.
    Decode,
}

/// How a payload is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One Opus packet.
    Plain,
    /// RFC 2198: earlier Opus packets, then this one.
    Red,
}
