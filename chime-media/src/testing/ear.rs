//! What an attendee has heard.

use std::time::Instant;

use super::beacon::Beacon;

/// Frames as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ear {
    /// When a frame came, its timestamp, and the slots that sounded.
    pub(crate) frames: Vec<(Instant, u32, u64)>,
}

impl Ear {
    pub(crate) fn frame(&mut self, now: Instant, timestamp: u32, payload: &[u8]) {
        self.frames.push((now, timestamp, Beacon::heard(payload)));
    }

    /// All slots that sounded since a moment.
    pub(crate) fn since(&self, from: Instant) -> u64 {
        self.frames.iter().filter(|(at, ..)| *at >= from).fold(0, |mask, (.., heard)| mask | heard)
    }

    /// Frames between two moments in which a slot sounded.
    pub(crate) fn count(&self, slot: u8, from: Instant, to: Instant) -> usize {
        let within = self.frames.iter().filter(|(at, ..)| (from..to).contains(at));
        within.filter(|(.., heard)| heard & 1 << slot != 0).count()
    }
}
