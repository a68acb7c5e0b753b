//! A meeting in simulated time: senders with a network each, a room, and what each listener hears.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::audio::{
    Channels, Codecs, Config, Content, Decoder, Encoder, EncoderSettings, FRAME, Format, Interest, Role,
    Room, SourceId, TICK,
};

struct Sender<E> {
    encoder: E,
    seq: u64,
    timestamp: u32,
}

pub(super) struct Listener<D> {
    decoder: D,
    /// Interleaved, 960 instants per tick since the join.
    pub(super) heard: Vec<f32>,
    pub(super) sent: u32,
}

struct Flying {
    at: Instant,
    id: SourceId,
    seq: u64,
    timestamp: u32,
    payload: Vec<u8>,
    level: Option<u8>,
    format: Format,
}

pub(super) struct World<C: Codecs> {
    pub(super) room: Room<C>,
    codecs: C,
    config: Config,
    pub(super) now: Instant,
    senders: BTreeMap<SourceId, Sender<C::Encoder>>,
    pub(super) listeners: BTreeMap<SourceId, Listener<C::Decoder>>,
    network: Vec<Flying>,
    /// When in a tick packets arrive that are not delayed.
    pub(super) phase: Duration,
    pub(super) fec_percent: u8,
}

#[expect(clippy::disallowed_methods, reason = "a test has to begin somewhere")]
pub(super) fn beginning() -> Instant {
    Instant::now()
}

impl<C: Codecs + Clone> World<C> {
    pub(super) fn new(codecs: C, config: Config) -> Self {
        Self {
            room: Room::new(config.clone(), codecs.clone()).unwrap(),
            codecs,
            config,
            now: beginning(),
            senders: BTreeMap::new(),
            listeners: BTreeMap::new(),
            network: Vec::new(),
            phase: Duration::from_millis(12),
            fec_percent: 0,
        }
    }

    pub(super) fn join(&mut self, id: u32) -> SourceId {
        self.join_as(id, Role::Attendee)
    }

    pub(super) fn join_as(&mut self, id: u32, role: Role) -> SourceId {
        let id = SourceId(id);
        self.room.join(id, role);
        let channels = if role == Role::Attendee { Channels::Mono } else { self.config.channels };
        let mut encoder = self.codecs.encoder(channels).unwrap();
        let content = if role == Role::Attendee { Content::Speech } else { Content::Music };
        let bitrate = if role == Role::Attendee { 40_000 } else { 128_000 };
        encoder
            .configure(&EncoderSettings {
                bitrate,
                complexity: 5,
                loss_percent: self.fec_percent,
                content,
                joins: false,
            })
            .unwrap();
        // Not zero, and soon to wrap.
        self.senders.insert(id, Sender { encoder, seq: 65_500, timestamp: u32::MAX - 48_000 });
        if role == Role::Attendee {
            let decoder = self.codecs.decoder(self.config.channels).unwrap();
            self.listeners.insert(id, Listener { decoder, heard: Vec::new(), sent: 0 });
        }
        id
    }

    pub(super) fn leave(&mut self, id: SourceId) {
        self.room.leave(id);
        self.senders.remove(&id);
        self.listeners.remove(&id);
        self.network.retain(|packet| packet.id != id);
    }

    /// Codes a frame; the caller sends it.
    pub(super) fn code(&mut self, id: SourceId, pcm: &[f32]) -> Vec<u8> {
        let mut out = vec![0; 12_000];
        let length = self.senders.get_mut(&id).unwrap().encoder.encode(pcm, &mut out).unwrap();
        out.truncate(length);
        out
    }

    /// Sends a coded frame so much later than it could; `None` is lost.
    pub(super) fn send(
        &mut self,
        id: SourceId,
        payload: Vec<u8>,
        samples: usize,
        format: Format,
        delay: Option<Duration>,
    ) {
        let sender = self.senders.get_mut(&id).unwrap();
        let (seq, timestamp) = (sender.seq, sender.timestamp);
        sender.seq += 1;
        sender.timestamp = timestamp.wrapping_add(samples as u32);
        if let Some(delay) = delay {
            let at = self.now + self.phase + delay;
            self.network.push(Flying { at, id, seq, timestamp, payload, level: Some(20), format });
        }
    }

    /// Says a frame without loss or delay.
    pub(super) fn say(&mut self, id: SourceId, pcm: &[f32]) {
        self.say_over(id, pcm, Some(Duration::ZERO));
    }

    pub(super) fn say_over(&mut self, id: SourceId, pcm: &[f32], delay: Option<Duration>) {
        let payload = self.code(id, pcm);
        let samples = self.codecs.samples(&payload).unwrap();
        self.send(id, payload, samples, Format::Plain, delay);
    }

    /// The sender is silent for a while: time passes, no packets.
    pub(super) fn pause(&mut self, id: SourceId, ticks: u32) {
        let sender = self.senders.get_mut(&id).unwrap();
        sender.timestamp = sender.timestamp.wrapping_add(ticks * FRAME as u32);
    }

    /// 20 ms pass: what has arrived is delivered, the room mixes, and all listen.
    pub(super) fn tick(&mut self) {
        self.now += TICK;
        self.network.sort_by_key(|packet| packet.at);
        while self.network.first().is_some_and(|packet| packet.at <= self.now) {
            let packet = self.network.remove(0);
            if self.room.observe(packet.id, packet.level, packet.at) == Interest::Decode {
                self.room.packet(
                    packet.id,
                    packet.seq,
                    packet.timestamp,
                    &packet.payload,
                    packet.format,
                    packet.at,
                );
            }
        }
        self.room.tick(self.now);
        let frames = self.room.frames();
        let mut pcm = vec![0.0; 5760 * 2];
        let length = FRAME * self.config.channels.count();
        for (id, listener) in &mut self.listeners {
            match frames.to(*id).and_then(|frame| frame.payload) {
                Some(payload) => {
                    assert_eq!(listener.decoder.decode(payload, &mut pcm), Ok(FRAME));
                    listener.sent += 1;
                }
                None => listener.decoder.conceal(&mut pcm[..length]).unwrap(),
            }
            listener.heard.extend(&pcm[..length]);
        }
    }

    pub(super) fn heard(&self, id: SourceId) -> &[f32] {
        &self.listeners[&id].heard
    }

    /// The last so many ticks of what somebody heard.
    pub(super) fn heard_last(&self, id: SourceId, ticks: usize) -> &[f32] {
        let heard = self.heard(id);
        &heard[heard.len() - ticks * FRAME * self.config.channels.count()..]
    }

    pub(super) fn lanes(&self) -> usize {
        self.room.open_lanes()
    }
}

impl<C: Codecs> World<C> {
    /// The sender's stream begins anew at these numbers.
    pub(super) fn restamp(&mut self, id: SourceId, seq: u64, timestamp: u32) {
        let sender = self.senders.get_mut(&id).unwrap();
        (sender.seq, sender.timestamp) = (seq, timestamp);
    }
}
