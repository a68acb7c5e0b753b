//! Whether one voice is heard alone, so that it can be passed on as it came.
//!
//! # Our choices
//!
//! - To pass on begins where it cannot be heard: out of silence, or in a quiet moment of one who has been alone for half a
//!   second. The listeners' decoders have not followed his encoder until then.
//! - It ends at once when his stream is not whole: what is lost on his way is made good here, once, and never counts as lost
//!   on the ways of all who listen.

use super::codec::Decoder;
use super::lane::Lane;
use super::lanes::Lanes;
use super::{Role, SourceId, level};

/// Ticks for which one must have been alone before his voice is passed on in mid-speech.
const SETTLED: u32 = 25;
/// Quiet, in dB below full scale.
const QUIET: f32 = 45.0;

#[derive(Debug, Default)]
pub(super) struct Alone {
    /// Who was alone in the last tick, and for how many.
    who: Option<(SourceId, u32)>,
    passing: bool,
}

impl Alone {
    /// Whether the last tick's was passed on.
    pub(super) fn is_passing(&self) -> bool {
        self.passing
    }

    /// The packet that is to be passed on in this tick. `silent`: listeners have heard nothing until now. To be called in
    /// every tick in which they are sent something.
    pub(super) fn packet<'a, D: Decoder>(&mut self, lanes: &'a Lanes<D>, silent: bool) -> Option<&'a [u8]> {
        let mut sounding = lanes.sounding();
        let sole = sounding.next().filter(|lane| lane.role == Role::Attendee && sounding.next().is_none());
        let ticks = match (self.who, sole) {
            (Some((who, ticks)), Some(lane)) if who == lane.id => ticks.saturating_add(1),
            _ => {
                self.passing = false;
                0
            }
        };
        self.who = sole.map(|lane| (lane.id, ticks));
        let packet = sole.and_then(Lane::packet);
        let settled = || ticks >= SETTLED && sole.is_some_and(|lane| level::measure(lane.pcm()) > QUIET);
        self.passing = packet.is_some() && (self.passing || silent || settled());
        packet.filter(|_| self.passing)
    }

    /// Something else is sent, or nothing.
    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }
}
