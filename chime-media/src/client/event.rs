//! What a client tells whoever drives it.

use super::Picture;
use crate::signal::proto::DataMessagePayload;

/// Something happened to the session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The server has taken the join.
    Joined,
    /// The server has refused the join, or an offer, with this status.
    Refused(u32),
    /// Media flows.
    Connected,
    /// An offer was answered.
    Answered,
    /// The server takes no video of this client (status 206).
    ViewOnly,
    /// The server has ended the session with this audio status.
    Ended(u32),
    /// The server has acknowledged the leave.
    Left,
    /// A data message.
    Data(DataMessagePayload),
    /// The server has paused these groups.
    Paused(Vec<u32>),
    /// They go on.
    Resumed(Vec<u32>),
    /// It was promoted, with status 0, or not.
    Promoted(u32),
    /// The server has ended its promotion.
    Demoted,
    /// What the server estimates the path to carry, in kbit/s, and the rates of streams in bit/s.
    Bitrates(Option<u32>, Vec<(u32, u32)>),
}

/// What a datagram was.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Media<'a> {
    /// Of the transport, or nothing.
    Nothing,
    /// Reports.
    Rtcp,
    /// A packet of the mix.
    Audio {
        /// Its sequence number with roll-overs.
        index: u64,
        /// In units of 1/48000 s.
        timestamp: u32,
        /// The first after a silence.
        marker: bool,
        /// The coded sound.
        payload: &'a [u8],
    },
    /// A packet of a video. When it completed pictures, the last of them.
    Video {
        /// The section.
        mid: u32,
        /// The picture that can be shown now.
        picture: Option<Picture>,
    },
}
