//! Rates, as clients are told them (the signaling guide, section 3.2, `SdkBitrateFrame`).

use std::time::{Duration, Instant};

use super::Meeting;
use crate::audio::Codecs;
use crate::ids::SessionId;
use crate::signal::proto::{Bitrate, BitrateFrame, FrameType, SignalFrame};

/// Time between two tellings of rates, which the client takes for given (the signaling guide, section 12, step 17).
pub(super) const BITRATES: Duration = Duration::from_secs(4);

impl<C: Codecs> Meeting<C> {
    /// Tells everybody who may watch the rates of what there is, and what his path carries.
    pub(super) fn tell_bitrates(&mut self, now: Instant) {
        if self.sources.is_empty() {
            return;
        }
        let watching: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.informed && !session.attendee.content)
            .map(|(id, _)| *id)
            .collect();
        for id in watching {
            let Some(session) = self.sessions.get(&id) else { continue };
            let visible = self.sources.values().filter(|source| {
                source.attendee.id != session.attendee.id && session.may_watch(source.attendee.content)
            });
            let live = visible.flat_map(|source| &source.layers).filter(|layer| layer.is_live(now));
            let bitrates: Vec<Bitrate> = live
                .map(|layer| Bitrate {
                    source_stream_id: Some(layer.stream.0),
                    avg_bitrate_bps: u32::try_from(layer.cost(now)).ok(),
                })
                .collect();
            let available = session.peer.as_ref().and_then(|peer| peer.available());
            if bitrates.is_empty() && available.is_none() {
                continue;
            }
            let frame = SignalFrame {
                bitrates: Some(BitrateFrame { bitrates, server_available_outgoing_bitrate: available }),
                ..self.frame(now, FrameType::Bitrates)
            };
            self.send(id, &frame);
        }
    }
}
