//! The sources that are decoded now.

use std::time::{Duration, Instant};

use super::codec::{Channels, CodecError, Codecs, Decoder};
use super::lane::Lane;
use super::mix::Part;
use super::{Config, Role, SourceId, Stats};

/// A source that was not heard for this long gives its decoder back; sooner forgets what is known of its network.
const KEPT: Duration = Duration::from_secs(10);

/// Opened when a source first has something to say, and reused: their number is that of recent talkers.
#[derive(Debug)]
pub(super) struct Lanes<D> {
    open: Vec<Lane<D>>,
    spare: Vec<Lane<D>>,
}

impl<D: Decoder> Lanes<D> {
    pub(super) const fn new() -> Self {
        Self { open: Vec::new(), spare: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn get_mut(&mut self, id: SourceId) -> Option<&mut Lane<D>> {
        self.open.iter_mut().find(|lane| lane.id == id)
    }

    /// Opens a lane unless there is one.
    pub(super) fn open<C: Codecs<Decoder = D>>(
        &mut self,
        id: SourceId,
        role: Role,
        config: &Config,
        codecs: &C,
        now: Instant,
    ) -> Result<(), CodecError> {
        if self.open.iter().any(|lane| lane.id == id) {
            return Ok(());
        }
        let channels = match role {
            Role::Attendee => Channels::Mono,
            Role::Content { .. } => config.channels,
        };
        let spare = self.spare.iter().position(|lane| lane.channels == channels);
        let mut lane = match spare {
            Some(at) => self.spare.swap_remove(at),
            None => Lane::new(codecs, channels, now)?,
        };
        lane.assign(id, role, now);
        #[cfg(feature = "noise-suppression")]
        lane.suppress_noise(config.noise_suppression && role == Role::Attendee);
        self.open.push(lane);
        Ok(())
    }

    pub(super) fn close(&mut self, id: SourceId) {
        if let Some(at) = self.open.iter().position(|lane| lane.id == id) {
            let lane = self.open.swap_remove(at);
            self.spare.push(lane);
        }
    }

    /// Makes the samples of this tick. Who is not `chosen` any more plays what has come and falls silent.
    pub(super) fn produce(&mut self, now: Instant, chosen: impl Fn(SourceId) -> bool, stats: &mut Stats) {
        let stale = |lane: &Lane<D>| now.saturating_duration_since(lane.last_active) > KEPT;
        if let Some(id) = self.open.iter().find(|lane| stale(lane) && !chosen(lane.id)).map(|lane| lane.id) {
            self.close(id);
        }
        for lane in &mut self.open {
            lane.produce(now, !chosen(lane.id), stats);
        }
    }

    /// Those who are in the mix in this tick.
    pub(super) fn sounding(&self) -> impl Iterator<Item = &Lane<D>> {
        self.open.iter().filter(|lane| lane.in_mix)
    }

    /// What is in the mix, without what `listener` says or shares himself.
    pub(super) fn parts(&self, listener: Option<SourceId>) -> impl Iterator<Item = Part<'_>> {
        self.sounding()
            .filter(move |lane| listener.is_none_or(|id| lane.id != id && lane.owner() != Some(id)))
            .map(|lane| Part { channels: lane.channels, pcm: lane.pcm() })
    }
}
