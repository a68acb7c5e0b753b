//! Who shares an encoder and who has one of his own.

use std::collections::BTreeMap;
use std::time::Instant;

use super::alone::Alone;
use super::codec::{CodecError, Codecs, Content, Decoder, Encoder, EncoderSettings};
use super::lanes::Lanes;
use super::mix;
use super::output::{Frame, Output};
use super::source::Source;
use super::{Config, SourceId, Stats};

/// Ticks for which an encoder joins what was passed on before.
const JOIN: u8 = 5;

#[derive(Debug)]
struct Personal<E> {
    id: SourceId,
    output: Output<E>,
    /// When he was last in the mix.
    needed: Instant,
    /// As [`Audience::joins`]: what was passed on to him ended here.
    joins: u8,
}

/// All encoded streams of a room.
#[derive(Debug)]
pub(super) struct Audience<E> {
    shared: Output<E>,
    /// Whether the shared stream was heard in the last tick, so that its encoder is where its listeners are.
    warm: bool,
    listeners: usize,
    loss_percent: u8,
    alone: Alone,
    /// For so many ticks the shared stream still joins what was passed on.
    joins: u8,
    /// Who shares has changed.
    changed: bool,
    personal: Vec<Personal<E>>,
    spare: Vec<Output<E>>,
}

impl<E: Encoder> Audience<E> {
    pub(super) fn new<C: Codecs<Encoder = E>>(config: &Config, codecs: &C) -> Result<Self, CodecError> {
        Ok(Self {
            shared: Output::new(codecs, config.channels)?,
            warm: false,
            listeners: 0,
            loss_percent: 0,
            alone: Alone::default(),
            joins: 0,
            changed: true,
            personal: Vec::new(),
            spare: Vec::new(),
        })
    }

    /// Somebody came, or hears, or loses packets otherwise than before.
    pub(super) fn change(&mut self) {
        self.changed = true;
    }

    /// Somebody hears nothing any more.
    pub(super) fn remove(&mut self, id: SourceId) {
        self.changed = true;
        if let Some(at) = self.personal.iter().position(|personal| personal.id == id) {
            let personal = self.personal.swap_remove(at);
            self.spare.push(personal.output);
        }
    }

    pub(super) fn shared(&self) -> Frame<'_> {
        self.shared.frame()
    }

    pub(super) fn personal(&self) -> impl Iterator<Item = (SourceId, Frame<'_>)> {
        self.personal.iter().map(|personal| (personal.id, personal.output.frame()))
    }

    /// The limited sum of all.
    pub(super) fn mixed(&self) -> &[f32] {
        self.shared.pcm()
    }

    /// Returns those to the shared encoder who have been out of the mix for long enough.
    pub(super) fn fold_back<C: Codecs<Encoder = E>>(&mut self, now: Instant, config: &Config, codecs: &C) {
        let mut at = 0;
        while let Some(personal) = self.personal.get(at) {
            if now.saturating_duration_since(personal.needed) <= config.fold_back {
                at += 1;
                continue;
            }
            // Nobody hears the shared one, so it can go on where this listener stands.
            if !self.warm && self.shared.copy_from(&personal.output, codecs).is_ok() {
                self.warm = true;
            }
            let personal = self.personal.swap_remove(at);
            self.spare.push(personal.output);
            self.changed = true;
        }
    }

    /// Gives one who is in the mix an encoder of his own. To be called before the shared one encodes this tick.
    pub(super) fn split_off<C: Codecs<Encoder = E>>(
        &mut self,
        id: SourceId,
        now: Instant,
        config: &Config,
        codecs: &C,
        stats: &mut Stats,
    ) -> Result<(), CodecError> {
        if let Some(personal) = self.personal.iter_mut().find(|personal| personal.id == id) {
            personal.needed = now;
            return Ok(());
        }
        let mut output = match self.spare.pop() {
            Some(output) => output,
            None => Output::new(codecs, config.channels)?,
        };
        if self.warm {
            output.copy_from(&self.shared, codecs)?;
        } else {
            output.reset();
        }
        stats.personal_started += 1;
        let joins = if self.warm { 0 } else { self.joins };
        self.personal.push(Personal { id, output, needed: now, joins });
        self.changed = true;
        Ok(())
    }

    /// Mixes and encodes this tick.
    pub(super) fn encode<C: Codecs<Encoder = E>>(
        &mut self,
        sources: &BTreeMap<SourceId, Source>,
        lanes: &Lanes<C::Decoder>,
        content: Content,
        (config, codecs): (&Config, &C),
        stats: &mut Stats,
    ) {
        if self.changed {
            self.regroup(sources);
        }
        let settings = |loss_percent, joins| EncoderSettings {
            bitrate: match content {
                Content::Speech => config.speech_bitrate,
                Content::Music => config.music_bitrate,
            },
            complexity: config.complexity,
            loss_percent,
            content,
            joins,
        };
        // The sum of all is also what the tap gives, heard by a listener or not.
        sum(&mut self.shared, lanes, None, config);
        let may_pass = config.pass_alone && content == Content::Speech && self.loss_percent == 0;
        let packet = if may_pass && self.listeners > 0 {
            let fresh = !self.warm && !self.alone.is_passing();
            self.alone.packet(lanes, fresh || self.shared.is_silent())
        } else {
            self.alone.stop();
            None
        };
        if self.listeners == 0 {
            self.warm = false;
            self.shared.skip();
        } else if let Some(packet) = packet {
            self.warm = false;
            self.joins = JOIN;
            self.shared.pass(packet, stats);
        } else {
            if !self.warm {
                self.warm = true;
                self.shared.reset();
            }
            self.shared.encode(codecs, settings(self.loss_percent, self.joins > 0), stats);
            self.joins = self.joins.saturating_sub(1);
        }
        for personal in &mut self.personal {
            sum(&mut personal.output, lanes, Some(personal.id), config);
            let loss = sources.get(&personal.id).map_or(0, |source| source.loss_percent);
            personal.output.encode(codecs, settings(loss, personal.joins > 0), stats);
            personal.joins = personal.joins.saturating_sub(1);
        }
    }

    fn regroup(&mut self, sources: &BTreeMap<SourceId, Source>) {
        self.changed = false;
        self.listeners = 0;
        self.loss_percent = 0;
        for (id, source) in sources {
            if source.listens() && !self.personal.iter().any(|personal| personal.id == *id) {
                self.listeners += 1;
                self.loss_percent = self.loss_percent.max(source.loss_percent);
            }
        }
    }
}

/// The limited sum that one listener, or all who share, are to hear.
fn sum<E: Encoder, D: Decoder>(
    output: &mut Output<E>,
    lanes: &Lanes<D>,
    listener: Option<SourceId>,
    config: &Config,
) {
    let pcm = output.sum();
    for part in lanes.parts(listener) {
        mix::add(pcm, config.channels, part);
    }
    output.limit(config.channels);
}
