//! A client's session.

use std::sync::Arc;
use std::time::Instant;

use super::allowance::Allowance;
use crate::audio::SourceId;
use crate::ids::{Attendee, GroupId};
use crate::peer::Peer;
use crate::signal::proto::Index;

/// One WebSocket and its peer.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) attendee: Attendee,
    /// Who it is in its replica, while it is promoted.
    pub(super) root: Option<Attendee>,
    /// Its name in the mix.
    pub(super) audio: SourceId,
    /// The WebSocket is open.
    pub(super) socket: bool,
    /// It has sent JOIN and was let in.
    pub(super) joined: bool,
    /// Told apart from other devices of the attendee by this.
    pub(super) audio_session: Option<u64>,
    pub(super) peer: Option<Box<Peer>>,
    pub(super) muted: bool,
    /// Its number in the roster, once it is present.
    pub(super) stream: Option<u32>,
    /// That it came was told outside.
    pub(super) announced: bool,
    /// It has been told the whole roster.
    pub(super) informed: bool,
    /// The video it sends.
    pub(super) group: Option<GroupId>,
    /// Leaves the choice of encodings to the server, and understands when it pauses a video.
    pub(super) adapts: bool,
    /// Wants no key frames asked of its content every few seconds.
    pub(super) no_periodic_keyframes: bool,
    /// The signal as it was told last: 2 is good.
    pub(super) signal: u8,
    /// Since when its socket, or its peer, is gone.
    pub(super) lost: Option<Instant>,
    /// What is left of its data messages: tokens and when they were counted.
    pub(super) allowance: Option<(f64, Instant)>,
    /// What is left of the frames and of the octets that it may send.
    pub(super) frames: Allowance,
    pub(super) octets: Allowance,
    /// The videos it was told of last.
    pub(super) told_index: Option<Arc<Index>>,
}

impl Session {
    pub(super) fn new(attendee: Attendee, audio: SourceId) -> Self {
        Self {
            attendee,
            root: None,
            audio,
            socket: true,
            joined: false,
            audio_session: None,
            peer: None,
            muted: false,
            stream: None,
            announced: false,
            informed: false,
            group: None,
            adapts: false,
            no_periodic_keyframes: false,
            signal: 2,
            lost: None,
            allowance: None,
            frames: Allowance::of_frames(),
            octets: Allowance::of_datagrams(),
            told_index: None,
        }
    }

    /// Who its client said it was when it came.
    pub(super) fn root(&self) -> &Attendee {
        self.root.as_ref().unwrap_or(&self.attendee)
    }

    /// It only receives, and nobody knows of it.
    pub(super) fn is_viewer(&self) -> bool {
        self.attendee.replica.is_some()
    }

    /// Whether its voice, or the sound of its content, may be heard.
    pub(super) fn may_speak(&self) -> bool {
        let capabilities = self.attendee.capabilities;
        let capability = if self.attendee.content { capabilities.content } else { capabilities.audio };
        capability.sends() && !self.is_viewer()
    }

    /// Whether it may receive the video of a camera, or of a content share.
    pub(super) fn may_watch(&self, content: bool) -> bool {
        let capabilities = self.attendee.capabilities;
        let capability = if content { capabilities.content } else { capabilities.video };
        !self.attendee.content && capability.receives()
    }

    /// Whether it may send video.
    pub(super) fn may_show(&self) -> bool {
        let capabilities = self.attendee.capabilities;
        let capability = if self.attendee.content { capabilities.content } else { capabilities.video };
        capability.sends() && !self.is_viewer()
    }
}
