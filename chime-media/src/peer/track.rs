//! A section in which a client receives a video.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::forward::rewrite::Rewriter;
use crate::forward::sieve::Sieve;
use crate::ids::{GroupId, StreamId};
use crate::sdp::answer::{uri, video_codecs};
use crate::sdp::{Section, VideoCodec};

/// Packets that were sent again and are remembered.
const REPEATED: usize = 256;

/// A video that a client receives.
#[derive(Debug)]
pub(crate) struct Track {
    /// The section's name.
    pub(crate) mid: String,
    /// Our source in it.
    pub(crate) ssrc: u32,
    /// Our source of retransmissions.
    pub(crate) repair: u32,
    codecs: Vec<(VideoCodec, u8, Option<u8>)>,
    pub(crate) transport: Option<u8>,
    pub(crate) orientation: Option<u8>,
    pub(crate) dependency: Option<u8>,
    pub(crate) wish: Wish,
    /// The encoding that is sent.
    pub(crate) current: Option<StreamId>,
    /// The encoding to go over to with its next key frame.
    pub(crate) target: Option<StreamId>,
    /// The layers of it that are sent.
    pub(crate) sieve: Sieve,
    /// The server has paused it for lack of bandwidth, and has said so.
    pub(crate) starved: bool,
    pub(crate) rewriter: Rewriter,
    pub(crate) repair_index: u64,
    /// What was sent again last, and when.
    pub(crate) repeated: VecDeque<(u16, Instant)>,
    /// Packets and octets sent.
    pub(crate) sent: (u32, u32),
}

/// What a client wants in a section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The source.
    pub(crate) group: Option<GroupId>,
    /// The stream it named; the best that it wants.
    pub(crate) stream: Option<StreamId>,
    /// Higher ones get bandwidth first.
    pub(crate) priority: u32,
    /// Most it wants, in kbit/s.
    pub(crate) target_kbps: Option<u32>,
    /// The application has paused the tile.
    pub(crate) paused: bool,
}

impl Track {
    pub(crate) fn new(section: &Section, ssrc: u32, repair: u32) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "some number to begin with")]
        let start = (ssrc ^ repair.rotate_left(9)) as u16;
        let mut this = Self {
            mid: section.mid.clone(),
            ssrc,
            repair,
            codecs: Vec::new(),
            transport: None,
            orientation: None,
            dependency: None,
            wish: Wish::default(),
            current: None,
            target: None,
            sieve: Sieve::default(),
            starved: false,
            rewriter: Rewriter::new(start),
            repair_index: u64::from(start & 0x7fff),
            repeated: VecDeque::new(),
            sent: (0, 0),
        };
        this.renegotiate(section);
        this
    }

    /// Takes what a new offer says of the section.
    pub(crate) fn renegotiate(&mut self, section: &Section) {
        self.codecs = video_codecs(section).collect();
        self.transport = section.extension(uri::TRANSPORT_CC);
        self.orientation = section.extension(uri::ORIENTATION);
        self.dependency = section.extension(uri::DEPENDENCY);
    }

    /// The payload types of a codec here: of the media and of its retransmissions.
    pub(crate) fn payload_types(&self, codec: VideoCodec) -> Option<(u8, Option<u8>)> {
        self.codecs.iter().find(|(each, ..)| *each == codec).map(|(_, media, repair)| (*media, *repair))
    }

    /// The payload type of retransmissions of whatever it is.
    pub(crate) fn repair_type(&self) -> Option<u8> {
        self.codecs.iter().find_map(|(.., repair)| *repair)
    }

    /// Whether a packet is to be sent again; it is not while the last repetition may still be on its way.
    pub(crate) fn repeat(&mut self, now: Instant, sequence: u16, trip: Duration) -> bool {
        let recent =
            |(known, at): &(u16, Instant)| *known == sequence && now.saturating_duration_since(*at) < trip;
        if self.repeated.iter().any(recent) {
            return false;
        }
        if self.repeated.len() >= REPEATED {
            self.repeated.pop_front();
        }
        self.repeated.push_back((sequence, now));
        true
    }

    /// The codecs that the client can decode here.
    pub(crate) fn codecs(&self) -> impl Iterator<Item = VideoCodec> {
        self.codecs.iter().map(|(codec, ..)| *codec)
    }

    /// Another source, or none, from now on.
    pub(crate) fn want(&mut self, group: Option<GroupId>, stream: Option<StreamId>) {
        if self.wish.group != group {
            self.wish = Wish { group, stream, ..Wish::default() };
            self.current = None;
            self.target = None;
            self.sieve = Sieve::default();
            self.starved = false;
            self.rewriter.switch();
        }
        self.wish.stream = stream;
    }
}
