//! Who is present, as the server tells (the signaling guide, section 8.1).

use std::collections::BTreeMap;

use crate::signal::proto::{AudioMetadata, AudioStreamIdInfoFrame};

/// An attendee as the roster tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its id, with `#content` for a content share.
    pub attendee: String,
    /// What the application calls it.
    pub external_user: String,
    /// Whether it is muted.
    pub muted: bool,
    /// How loud it was when that was told last, as a positive number of dB below full scale; 42 is silent.
    pub volume: u32,
    /// Its signal: 0, 1 or 2.
    pub signal: u32,
}

/// The attendees by their audio streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Who is here.
    pub present: BTreeMap<u32, Present>,
    /// Streams that were told to have dropped.
    pub dropped: Vec<u32>,
    /// Changes so far.
    pub frames: u64,
}

impl Roster {
    pub(super) fn change(&mut self, frame: &AudioStreamIdInfoFrame) {
        self.frames += 1;
        for each in &frame.streams {
            let Some(stream) = each.audio_stream_id else { continue };
            match (&each.attendee_id, each.muted) {
                (Some(attendee), muted) => {
                    let present = Present {
                        attendee: attendee.clone(),
                        external_user: each.external_user_id.clone().unwrap_or_else(|| attendee.clone()),
                        muted: muted.unwrap_or_default(),
                        volume: 42,
                        signal: 2,
                    };
                    self.present.insert(stream, present);
                }
                (None, Some(muted)) => {
                    if let Some(present) = self.present.get_mut(&stream) {
                        present.muted = muted;
                    }
                }
                (None, None) => {
                    self.present.remove(&stream);
                    if each.dropped.unwrap_or_default() {
                        self.dropped.push(stream);
                    }
                }
            }
        }
    }

    /// Whoever is not named while others are is silent, or well (the signaling guide, sections 8.3 and 8.4).
    pub(super) fn volumes(&mut self, frame: &AudioMetadata) {
        let states = &frame.attendee_states;
        let of = |stream: u32| states.iter().find(|state| state.audio_stream_id == Some(stream));
        let (volumes, signals) = (
            states.iter().any(|state| state.volume.is_some()),
            states.iter().any(|state| state.signal_strength.is_some()),
        );
        for (stream, present) in &mut self.present {
            if volumes {
                present.volume = of(*stream).and_then(|state| state.volume).unwrap_or(42);
            }
            if signals {
                present.signal = of(*stream).and_then(|state| state.signal_strength).unwrap_or(2);
            }
        }
    }

    /// Attendees and whether they are muted, in order.
    #[must_use]
    pub fn names(&self) -> BTreeMap<String, bool> {
        self.present.values().map(|present| (present.attendee.clone(), present.muted)).collect()
    }
}
