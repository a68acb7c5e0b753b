//! A meeting's audio.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::codec::{Channels, CodecError, Codecs, Content, EncoderSettings};
use super::jitter::Arrival;
use super::lane::Lane;
use super::level::{self, Level, SILENT};
use super::mix::{self, Part};
use super::output::{Frame, Output};
use super::red::Red;
use super::speaker::{Rules, Talkers};
use super::{Config, Format, Interest, Role, SourceId, Stats};

/// A source that was not heard for this long gives its decoder back; sooner forgets what is known of its network.
const LANE_KEPT: Duration = Duration::from_secs(10);

/// Ticks for which the mix counts as music after a screen share fell silent.
const MUSIC_HANG: u32 = 50;

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
struct Source {
    role: Role,
    muted: bool,
    may_send: bool,
    may_hear: bool,
    loss_percent: u8,
    level: Level,
    /// Whether its packets carry levels.
    levelled: bool,
}

impl Source {
    fn listens(&self) -> bool {
        self.may_hear && self.role == Role::Attendee
    }

    fn sends(&self) -> bool {
        self.may_send && !self.muted
    }
}

#[derive(Debug)]
struct Active {
    id: SourceId,
    /// Who must not hear it, besides its own connection.
    owner: Option<SourceId>,
    lane: usize,
}

#[derive(Debug)]
struct Personal<E> {
    id: SourceId,
    output: Output<E>,
    needed: Instant,
}

/// The audio of one meeting.
#[derive(Debug)]
pub struct Room<C: Codecs> {
    config: Config,
    codecs: C,
    sources: BTreeMap<SourceId, Source>,
    talkers: Talkers,
    contents: Talkers,
    lanes: Vec<Lane<C::Decoder>>,
    spare_lanes: Vec<Lane<C::Decoder>>,
    active: Vec<Active>,
    shared: Output<C::Encoder>,
    /// Whether the shared stream has been heard in the last tick, so that its encoder is where its listeners are.
    shared_warm: bool,
    shared_listeners: usize,
    shared_loss: u8,
    /// Who shares has changed.
    regroup: bool,
    personal: Vec<Personal<C::Encoder>>,
    spare_outputs: Vec<Output<C::Encoder>>,
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
            shared: Output::new(&codecs, config.channels)?,
            talkers: Talkers::new(rules(config.max_talkers)),
            contents: Talkers::new(rules(config.max_contents)),
            sources: BTreeMap::new(),
            lanes: Vec::new(),
            spare_lanes: Vec::new(),
            active: Vec::new(),
            shared_warm: false,
            shared_listeners: 0,
            shared_loss: 0,
            regroup: true,
            personal: Vec::new(),
            spare_outputs: Vec::new(),
            music: 0,
            stats: Stats::default(),
            config,
            codecs,
        })
    }

    /// Adds a connection, unmuted, that may send and hear. One of the same id is replaced.
    pub fn join(&mut self, id: SourceId, role: Role) {
        self.leave(id);
        let source = Source {
            role,
            muted: false,
            may_send: true,
            may_hear: true,
            loss_percent: 0,
            level: Level::new(),
            levelled: true,
        };
        self.sources.insert(id, source);
    }

    /// Removes a connection; what it said and was not yet played is not heard.
    pub fn leave(&mut self, id: SourceId) {
        self.sources.remove(&id);
        self.talkers.remove(id);
        self.contents.remove(id);
        if let Some(at) = self.lanes.iter().position(|lane| lane.id == id) {
            let lane = self.lanes.swap_remove(at);
            self.spare_lanes.push(lane);
        }
        self.drop_personal(id);
        self.regroup = true;
    }

    /// Begins a new stream of the same connection: its SSRC, sequence numbers or timestamps have changed.
    pub fn reset(&mut self, id: SourceId) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id) {
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
        if !may_hear {
            self.drop_personal(id);
        }
        self.hush(id);
        self.regroup = true;
    }

    /// The loss that a listener reports, 0 to 1. FEC follows the worst of those who share an encoder.
    pub fn set_loss(&mut self, id: SourceId, fraction: f32) {
        if let Some(source) = self.sources.get_mut(&id) {
            let percent = (fraction * 100.0).clamp(0.0, 100.0);
            // In steps, so that the encoder is not told of each flicker; above 30 the copies cost more than they save.
            source.loss_percent = [1_u8, 3, 5, 10, 15, 20, 30]
                .into_iter()
                .rev()
                .find(|step| percent + 0.01 >= f32::from(*step))
                .unwrap_or(0);
            self.regroup = true;
        }
    }

    /// The encoders' effort from the next tick on, 0 to 10: lower it under load.
    pub fn set_complexity(&mut self, complexity: u8) {
        self.config.complexity = complexity.min(10);
    }

    /// A packet came, still encrypted, with this level in its header: dB below full scale as in RFC 6464, 0 loud to 127
    /// silent. Is it worth decrypting?
    pub fn observe(&mut self, id: SourceId, level: Option<u8>, now: Instant) -> Interest {
        let interest = self.judge(id, level, now);
        if interest == Interest::Skip {
            self.stats.skipped += 1;
        }
        interest
    }

    fn judge(&mut self, id: SourceId, level: Option<u8>, now: Instant) -> Interest {
        let Some(source) = self.sources.get_mut(&id).filter(|source| source.sends()) else {
            return Interest::Skip;
        };
        source.levelled = level.is_some();
        let raw = match level {
            Some(level) => f32::from(level.min(127)),
            None if self.talkers.contains(id) || self.contents.contains(id) => source.level.at(now),
            None => UNKNOWN,
        };
        if source.levelled {
            source.level.observe(raw, now);
        } else if source.level.at(now) >= SILENT {
            source.level.observe(UNKNOWN, now);
        }
        let smoothed = source.level.at(now);
        let places = match source.role {
            Role::Attendee => &mut self.talkers,
            Role::Content { .. } => &mut self.contents,
        };
        if places.offer(id, raw, smoothed, now) { Interest::Decode } else { Interest::Skip }
    }

    /// Takes a decrypted packet that [`Room::observe`] wanted. `seq` is the extended sequence number.
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
        let (role, chosen) = (source.role, self.talkers.contains(id) || self.contents.contains(id));
        if !chosen || !self.open_lane(id, role, now) {
            return;
        }
        let Self { lanes, codecs, stats, .. } = self;
        let Some(lane) = lanes.iter_mut().find(|lane| lane.id == id) else { return };
        let mut insert = |seq, timestamp, payload: &[u8], redundant| match codecs.samples(payload) {
            Some(length) => {
                let fec = codecs.has_fec(payload);
                lane.insert(Arrival { seq, timestamp, payload, length, fec, redundant }, now, stats);
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
        self.produce(now);
        self.fold_back(now);
        self.split_off(now);
        if self.regroup {
            self.regroup();
        }
        self.encode_shared();
        self.encode_personal();
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
        self.shared.pcm()
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

    /// How many sources have a decoder.
    #[cfg(test)]
    pub(super) fn open_lanes(&self) -> usize {
        self.lanes.len()
    }

    /// What has been counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Runs the lanes and notes who is in the mix.
    fn produce(&mut self, now: Instant) {
        self.active.clear();
        self.music = self.music.saturating_sub(1);
        let mut idle = None;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let Some(source) = self.sources.get_mut(&lane.id) else { continue };
            let chosen = self.talkers.contains(lane.id) || self.contents.contains(lane.id);
            if lane.produce(now, !chosen, &mut self.stats) {
                let owner = match source.role {
                    Role::Attendee => None,
                    Role::Content { owner } => {
                        self.music = MUSIC_HANG;
                        owner
                    }
                };
                if !source.levelled {
                    source.level.observe(level::measure(lane.pcm()), now);
                }
                self.active.push(Active { id: lane.id, owner, lane: index });
            } else if now.saturating_duration_since(lane.last_active) > LANE_KEPT && !chosen {
                idle = Some(index);
            }
        }
        // Only the last lane can go without moving those that `active` names.
        if let Some(index) = idle.filter(|index| *index + 1 == self.lanes.len()) {
            let lane = self.lanes.remove(index);
            self.spare_lanes.push(lane);
        } else if let Some(index) = idle.filter(|_| self.active.is_empty()) {
            let lane = self.lanes.swap_remove(index);
            self.spare_lanes.push(lane);
        }
    }

    /// Returns those to the shared encoder who have been out of the mix for long enough.
    fn fold_back(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(personal) = self.personal.get(at) {
            if now.saturating_duration_since(personal.needed) <= self.config.fold_back {
                at += 1;
                continue;
            }
            // Nobody hears the shared one, so it can go on where this listener stands.
            if !self.shared_warm && self.shared.copy_from(&personal.output).is_ok() {
                self.shared_warm = true;
            }
            let personal = self.personal.swap_remove(at);
            self.spare_outputs.push(personal.output);
            self.regroup = true;
        }
    }

    /// Gives those in the mix an encoder of their own.
    fn split_off(&mut self, now: Instant) {
        for at in 0..self.active.len() {
            let Some(active) = self.active.get(at) else { continue };
            for id in [Some(active.id), active.owner].into_iter().flatten() {
                if !self.sources.get(&id).is_some_and(Source::listens) {
                    continue;
                }
                if let Some(personal) = self.personal.iter_mut().find(|personal| personal.id == id) {
                    personal.needed = now;
                    continue;
                }
                let output = self
                    .spare_outputs
                    .pop()
                    .map_or_else(|| Output::new(&self.codecs, self.config.channels), Ok)
                    .and_then(|mut output| {
                        output.copy_from(&self.shared)?;
                        Ok(output)
                    });
                match output {
                    Ok(mut output) => {
                        if !self.shared_warm {
                            output.reset();
                        }
                        self.stats.personal_started += 1;
                        self.personal.push(Personal { id, output, needed: now });
                        self.regroup = true;
                    }
                    Err(_) => self.stats.codec_errors += 1,
                }
            }
        }
    }

    fn regroup(&mut self) {
        self.regroup = false;
        self.shared_listeners = 0;
        self.shared_loss = 0;
        for (id, source) in &self.sources {
            if source.listens() && !self.personal.iter().any(|personal| personal.id == *id) {
                self.shared_listeners += 1;
                self.shared_loss = self.shared_loss.max(source.loss_percent);
            }
        }
    }

    fn encode_shared(&mut self) {
        let channels = self.config.channels;
        let sum = self.shared.sum();
        for part in parts(&self.active, &self.lanes, None) {
            mix::add(sum, channels, part);
        }
        self.shared.limit(channels);
        if self.shared_listeners == 0 {
            self.shared_warm = false;
            self.shared.skip();
            return;
        }
        if !self.shared_warm {
            self.shared_warm = true;
            self.shared.reset();
        }
        self.shared.encode(settings(&self.config, self.music, self.shared_loss), &mut self.stats);
    }

    fn encode_personal(&mut self) {
        let channels = self.config.channels;
        for personal in &mut self.personal {
            let sum = personal.output.sum();
            for part in parts(&self.active, &self.lanes, Some(personal.id)) {
                mix::add(sum, channels, part);
            }
            personal.output.limit(channels);
            let loss = self.sources.get(&personal.id).map_or(0, |source| source.loss_percent);
            personal.output.encode(settings(&self.config, self.music, loss), &mut self.stats);
        }
    }

    fn open_lane(&mut self, id: SourceId, role: Role, now: Instant) -> bool {
        if self.lanes.iter().any(|lane| lane.id == id) {
            return true;
        }
        let channels = match role {
            Role::Attendee => Channels::Mono,
            Role::Content { .. } => self.config.channels,
        };
        let spare = self.spare_lanes.iter().position(|lane| lane.channels == channels);
        let lane = match spare {
            Some(at) => Ok(self.spare_lanes.swap_remove(at)),
            None => Lane::new(&self.codecs, channels, now),
        };
        match lane {
            Ok(mut lane) => {
                lane.assign(id, now);
                #[cfg(feature = "noise-suppression")]
                lane.suppress_noise(self.config.noise_suppression && role == Role::Attendee);
                self.lanes.push(lane);
                true
            }
            Err(_) => {
                self.stats.codec_errors += 1;
                false
            }
        }
    }

    /// Silences a connection that may not send any more.
    fn hush(&mut self, id: SourceId) {
        let Some(source) = self.sources.get_mut(&id).filter(|source| !source.sends()) else { return };
        source.level.silence();
        self.talkers.remove(id);
        self.contents.remove(id);
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id) {
            lane.stop();
        }
    }

    fn drop_personal(&mut self, id: SourceId) {
        if let Some(at) = self.personal.iter().position(|personal| personal.id == id) {
            let personal = self.personal.swap_remove(at);
            self.spare_outputs.push(personal.output);
        }
    }
}

/// What is in the mix, without what `listener` says or shares himself.
fn parts<'a, D: super::Decoder>(
    active: &'a [Active],
    lanes: &'a [Lane<D>],
    listener: Option<SourceId>,
) -> impl Iterator<Item = Part<'a>> {
    active
        .iter()
        .filter(move |active| listener.is_none_or(|id| active.id != id && active.owner != Some(id)))
        .filter_map(|active| lanes.get(active.lane))
        .map(|lane| Part { channels: lane.channels, pcm: lane.pcm() })
}

fn settings(config: &Config, music: u32, loss_percent: u8) -> EncoderSettings {
    let (bitrate, content) = if music > 0 {
        (config.music_bitrate, Content::Music)
    } else {
        (config.speech_bitrate, Content::Speech)
    };
    EncoderSettings { bitrate, complexity: config.complexity, loss_percent, content }
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
        self.room.shared.frame()
    }

    /// Those who get a frame of their own.
    pub fn personal(&self) -> impl Iterator<Item = (SourceId, Frame<'a>)> + use<'a, C> {
        self.room.personal.iter().map(|personal| (personal.id, personal.output.frame()))
    }

    /// What this connection gets; none if it hears nothing or is not in the room.
    #[must_use]
    pub fn to(&self, id: SourceId) -> Option<Frame<'a>> {
        self.room.sources.get(&id).filter(|source| source.listens())?;
        let own = self.room.personal.iter().find(|personal| personal.id == id);
        Some(own.map_or_else(|| self.shared(), |personal| personal.output.frame()))
    }
}
