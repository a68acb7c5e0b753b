//! A meeting's audio.

use std::collections::BTreeMap;
use std::time::Instant;

use super::audience::Audience;
use super::codec::{CodecError, Codecs, Content};
use super::jitter::Arrival;
use super::lanes::Lanes;
use super::level;
use super::output::Frame;
use super::red::Red;
use super::source::{Source, Voice};
use super::speaker::{Rules, Talkers};
use super::{Config, Format, Interest, Role, SourceId, Stats};

/// Ticks for which the mix counts as music after a screen share fell silent.
const MUSIC_HANG: u32 = 50;

/// The audio of one meeting.
#[derive(Debug)]
pub struct Room<C: Codecs> {
    config: Config,
    codecs: C,
    sources: BTreeMap<SourceId, Source>,
    talkers: Talkers,
    contents: Talkers,
    lanes: Lanes<C::Decoder>,
    audience: Audience<C::Encoder>,
    music: u32,
    stats: Stats,
}

impl<C: Codecs> Room<C> {
    /// An empty room.
    ///
    /// # Errors
    ///
    /// That of the codec, if it makes no encoder.
    pub fn new(config: Config, codecs: C) -> Result<Self, CodecError> {
        let rules = |places| Rules {
            places,
            silence_level: f32::from(config.silence_level),
            hold: config.talker_hold,
            margin: f32::from(config.takeover_margin),
        };
        Ok(Self {
            audience: Audience::new(&config, &codecs)?,
            talkers: Talkers::new(rules(config.max_talkers)),
            contents: Talkers::new(rules(config.max_contents)),
            sources: BTreeMap::new(),
            lanes: Lanes::new(),
            music: 0,
            stats: Stats::default(),
            config,
            codecs,
        })
    }

    /// Adds a connection, unmuted, that may send and hear. One of the same id is replaced.
    pub fn join(&mut self, id: SourceId, role: Role) {
        self.leave(id);
        self.sources.insert(id, Source::new(role));
    }

    /// Says who shares a screen from now on, which this connection is the sound of: its attendee has another connection.
    pub fn set_owner(&mut self, id: SourceId, owner: Option<SourceId>) {
        let Some(source) = self.sources.get_mut(&id).filter(|source| source.role != Role::Attendee) else {
            return;
        };
        source.role = Role::Content { owner };
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.role = source.role;
        }
    }

    /// Removes a connection; what it said and was not yet played is not heard.
    pub fn leave(&mut self, id: SourceId) {
        self.sources.remove(&id);
        self.talkers.remove(id);
        self.contents.remove(id);
        self.lanes.close(id);
        self.audience.remove(id);
    }

    /// Begins a new stream of the same connection: its SSRC, sequence numbers or timestamps have changed.
    pub fn reset(&mut self, id: SourceId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.restart();
        }
    }

    /// Mutes or unmutes what a connection sends, from the next tick on.
    pub fn set_muted(&mut self, id: SourceId, muted: bool) {
        if let Some(source) = self.sources.get_mut(&id) {
            source.muted = muted;
        }
        self.hush(id);
    }

    /// Changes whether a connection may be heard and may hear, from the next tick on.
    pub fn set_capabilities(&mut self, id: SourceId, may_send: bool, may_hear: bool) {
        if let Some(source) = self.sources.get_mut(&id) {
            source.may_send = may_send;
            source.may_hear = may_hear;
        }
        if may_hear {
            self.audience.change();
        } else {
            self.audience.remove(id);
        }
        self.hush(id);
    }

    /// The loss that a listener reports, 0 to 1. FEC follows the worst of those who share an encoder.
    pub fn set_loss(&mut self, id: SourceId, fraction: f32) {
        if let Some(source) = self.sources.get_mut(&id) {
            source.set_loss(fraction);
            self.audience.change();
        }
    }

    /// The encoders' effort from the next tick on, 0 to 10: lower it under load.
    pub fn set_complexity(&mut self, complexity: u8) {
        self.config.complexity = complexity.min(10);
    }

    /// A packet came, still encrypted, with this level in its header: dB below full scale as in RFC 6464, 0 loud to 127
    /// silent. Is it worth decrypting?
    ///
    /// Without a level it is, while there is a place: the decoded sound is measured instead.
    pub fn observe(&mut self, id: SourceId, level: Option<u8>, now: Instant) -> Interest {
        let chosen = self.chosen(id);
        if let Some(source) = self.sources.get_mut(&id).filter(|source| source.sends()) {
            let raw = source.observe(level, chosen, now);
            let places = match source.role {
                Role::Attendee => &mut self.talkers,
                Role::Content { .. } => &mut self.contents,
            };
            if places.offer(id, raw, source.level.at(now), now) {
                return Interest::Decode;
            }
        }
        self.stats.skipped += 1;
        Interest::Skip
    }

    /// Takes a decrypted packet that [`Room::observe`] wanted. `seq` is the extended sequence number, `timestamp` counts
    /// samples at 48 kHz.
    ///
    /// A malformed one is counted in [`Stats::dropped`].
    pub fn packet(
        &mut self,
        id: SourceId,
        seq: u64,
        timestamp: u32,
        payload: &[u8],
        format: Format,
        now: Instant,
    ) {
        let Some(source) = self.sources.get(&id).filter(|source| source.sends()) else { return };
        if !self.chosen(id) {
            return;
        }
        if self.lanes.open(id, source.role, &self.config, &self.codecs, now).is_err() {
            self.stats.codec_errors += 1;
        }
        let Self { lanes, codecs, stats, .. } = self;
        let Some(lane) = lanes.get_mut(id) else { return };
        let mut insert = |seq, timestamp, payload: &[u8], redundant| match codecs.samples(payload) {
            Some(length) => {
                let (fec, portable) = (codecs.has_fec(payload), codecs.portable(payload));
                lane.insert(
                    Arrival { seq, timestamp, payload, length, fec, portable, redundant },
                    now,
                    stats,
                );
            }
            None => stats.dropped += 1,
        };
        match format {
            Format::Plain => insert(seq, timestamp, payload, false),
            Format::Red => match Red::parse(payload) {
                Ok(red) => {
                    insert(seq, timestamp, red.primary, false);
                    for (age, block) in (1_u64..).zip(red.blocks().iter().rev()) {
                        if !block.payload.is_empty() {
                            let at = timestamp.wrapping_sub(block.offset);
                            insert(seq.wrapping_sub(age), at, block.payload, true);
                        }
                    }
                }
                Err(_) => self.stats.dropped += 1,
            },
        }
    }

    /// Mixes and encodes the next 20 ms. To be called every [`TICK`](super::TICK); an error of the codec leaves a frame
    /// out and is counted.
    pub fn tick(&mut self, now: Instant) {
        self.stats.ticks += 1;
        let before = self.stats.encodes;
        self.talkers.expire(now);
        self.contents.expire(now);
        let (talkers, contents) = (&self.talkers, &self.contents);
        let chosen = |id| talkers.contains(id) || contents.contains(id);
        self.lanes.produce(now, chosen, &mut self.stats);
        self.audience.fold_back(now, &self.config, &self.codecs);
        self.note_sounding(now);
        let content = if self.music > 0 { Content::Music } else { Content::Speech };
        let how = (&self.config, &self.codecs);
        self.audience.encode(&self.sources, &self.lanes, content, how, &mut self.stats);
        self.stats.encodes_last_tick = self.stats.encodes - before;
    }

    /// What each listener is sent for the last tick.
    #[must_use]
    pub fn frames(&self) -> Frames<'_, C> {
        Frames { room: self }
    }

    /// A read-only tap: all who were heard in the last tick, limited, interleaved in the channels of the config, full
    /// scale ±1. Zero in silence.
    #[must_use]
    pub fn mixed(&self) -> &[f32] {
        self.audience.mixed()
    }

    /// How loud each attendee is now.
    pub fn levels(&self, now: Instant) -> impl Iterator<Item = Voice> + '_ {
        self.sources.iter().filter(|(_, source)| source.role == Role::Attendee).map(move |(id, source)| {
            let volume = if source.sends() { source.level.volume(now) } else { 42 };
            let loud = source.level.at(now) < f32::from(self.config.silence_level);
            let speaking = source.sends() && loud && self.talkers.contains(*id);
            Voice { id: *id, volume, speaking }
        })
    }

    /// What has been counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many sources have a decoder.
    #[cfg(test)]
    pub(super) fn open_lanes(&self) -> usize {
        self.lanes.len()
    }

    fn chosen(&self, id: SourceId) -> bool {
        self.talkers.contains(id) || self.contents.contains(id)
    }

    /// Gives those in the mix an encoder of their own, and measures those who send no level.
    fn note_sounding(&mut self, now: Instant) {
        self.music = self.music.saturating_sub(1);
        for lane in self.lanes.sounding() {
            if matches!(lane.role, Role::Content { .. }) {
                self.music = MUSIC_HANG;
            }
            if let Some(source) = self.sources.get_mut(&lane.id).filter(|source| !source.levelled) {
                source.level.observe(level::measure(lane.pcm()), now);
            }
            for id in [Some(lane.id), lane.owner()].into_iter().flatten() {
                if self.sources.get(&id).is_some_and(Source::listens)
                    && self.audience.split_off(id, now, &self.config, &self.codecs, &mut self.stats).is_err()
                {
                    self.stats.codec_errors += 1;
                }
            }
        }
    }

    /// Silences a connection that may not send any more.
    fn hush(&mut self, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id).filter(|source| !source.sends()) else { return };
        source.level.silence();
        self.talkers.remove(id);
        self.contents.remove(id);
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.stop();
        }
    }
}

/// The frames of a tick. Payloads are borrowed from the room until the next one.
#[derive(Debug)]
pub struct Frames<'a, C: Codecs> {
    room: &'a Room<C>,
}

impl<'a, C: Codecs> Frames<'a, C> {
    /// What all listeners get whom [`Frames::personal`] does not name.
    #[must_use]
    pub fn shared(&self) -> Frame<'a> {
        self.room.audience.shared()
    }

    /// Those who get a frame of their own.
    pub fn personal(&self) -> impl Iterator<Item = (SourceId, Frame<'a>)> + use<'a, C> {
        self.room.audience.personal()
    }

    /// What this connection gets; none if it hears nothing or is not in the room.
    #[must_use]
    pub fn to(&self, id: SourceId) -> Option<Frame<'a>> {
        self.room.sources.get(&id).filter(|source| source.listens())?;
        let own = self.personal().find(|(listener, _)| *listener == id);
        Some(own.map_or_else(|| self.shared(), |(_, frame)| frame))
    }
}
