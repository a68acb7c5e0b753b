//! What is known of a connection.

use std::time::Instant;

use super::level::{Level, SILENT};
use super::{Role, SourceId};

/// A packet without a level may be speech: it is taken to be this loud until it has been decoded.
const UNKNOWN: f32 = 50.0;

/// How loud an attendee is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// Who.
    pub id: SourceId,
    /// dB below full scale, from 14 (full) to 42 (silence), as AUDIO_METADATA has it.
    pub volume: u8,
    /// Is in the mix and above the silence level.
    pub speaking: bool,
}

#[derive(Debug)]
pub(super) struct Source {
    pub(super) role: Role,
    pub(super) muted: bool,
    pub(super) may_send: bool,
    pub(super) may_hear: bool,
    pub(super) loss_percent: u8,
    pub(super) level: Level,
    /// Whether its packets carry levels; otherwise its sound is measured.
    pub(super) levelled: bool,
}

impl Source {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            muted: false,
            may_send: true,
            may_hear: true,
            loss_percent: 0,
            level: Level::new(),
            levelled: true,
        }
    }

    pub(super) fn listens(&self) -> bool {
        self.may_hear && self.role == Role::Attendee
    }

    pub(super) fn sends(&self) -> bool {
        self.may_send && !self.muted
    }

    /// Takes the level of a packet; the level that it counts as. `chosen`: its sound is being measured.
    pub(super) fn observe(&mut self, level: Option<u8>, chosen: bool, now: Instant) -> f32 {
        self.levelled = level.is_some();
        let raw = match level {
            Some(level) => f32::from(level.min(127)),
            None if chosen => self.level.at(now),
            None => UNKNOWN,
        };
        if self.levelled {
            self.level.observe(raw, now);
        } else if self.level.at(now) >= SILENT {
            self.level.observe(UNKNOWN, now);
        }
        raw
    }

    /// Sets the loss to prepare for, 0 to 1.
    pub(super) fn set_loss(&mut self, fraction: f32) {
        let percent = (fraction * 100.0).clamp(0.0, 100.0);
        // In steps, down by one at a time, so that the encoder is not told of each flicker; above 30 the copies cost more
        // than they save.
        let steps = [30_u8, 20, 15, 10, 5, 3, 1, 0];
        let reported = steps.into_iter().find(|step| percent + 0.01 >= f32::from(*step)).unwrap_or(0);
        let lower = steps.into_iter().find(|step| *step < self.loss_percent).unwrap_or(0);
        self.loss_percent = reported.max(lower);
    }
}
