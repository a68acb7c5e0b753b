//! A tick of a meeting's audio, beside the encode and the decode that it is made of.
#![expect(clippy::unwrap_used, reason = "a bench ends when its sample is bad")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chime_media::audio::{
    Channels, Codecs, Config, Content, Decoder, Encoder, EncoderSettings, FRAME, Format, Opus, OpusEncoder,
    Role, Room, SourceId, TICK,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const TALKERS: u32 = 3;

/// Half a second of a voice-like sound, and its packets.
struct Voice {
    pcm: Vec<Vec<f32>>,
    packets: Vec<Vec<u8>>,
}

fn encoder(channels: Channels) -> OpusEncoder {
    let mut encoder = Opus.encoder(channels).unwrap();
    let settings = EncoderSettings {
        bitrate: 40_000,
        complexity: 5,
        loss_percent: 0,
        content: Content::Speech,
        joins: false,
    };
    encoder.configure(&settings).unwrap();
    encoder
}

fn voice(pitch: f32, channels: Channels) -> Voice {
    let mut encoder = encoder(channels);
    let mut out = [0; 1500];
    let (mut pcm, mut packets) = (Vec::new(), Vec::new());
    for frame in 0..25 {
        let samples: Vec<f32> = (0..FRAME)
            .flat_map(|i| {
                let t = (frame * FRAME + i) as f32 / 48_000.0;
                let swell = 0.5 + 0.5 * (std::f32::consts::TAU * 4.0 * t).sin();
                let tone = |k: f32| (std::f32::consts::TAU * pitch * k * t).sin() / k;
                let sample = 0.2 * swell * (1..10_u8).map(|k| tone(k.into())).sum::<f32>();
                std::iter::repeat_n(sample, channels.count())
            })
            .collect();
        let length = encoder.encode(&samples, &mut out).unwrap();
        packets.push(out.iter().copied().take(length).collect());
        pcm.push(samples);
    }
    Voice { pcm, packets }
}

#[expect(clippy::disallowed_methods, reason = "simulated time begins somewhere")]
fn beginning() -> Instant {
    Instant::now()
}

struct Meeting {
    room: Room<Opus>,
    listeners: u32,
    voices: Vec<Voice>,
    now: Instant,
    tick: u32,
}

impl Meeting {
    fn new(listeners: u32) -> Self {
        let mut room = Room::new(Config::default(), Opus).unwrap();
        for id in 0..listeners {
            room.join(SourceId(id), Role::Attendee);
        }
        let voices = [110.0, 170.0, 230.0].map(|pitch| voice(pitch, Channels::Mono)).into();
        let mut meeting = Self { room, listeners, voices, now: beginning(), tick: 0 };
        for _ in 0..100 {
            meeting.tick();
        }
        meeting
    }

    /// All send, three of them speak; all look up what they get.
    fn tick(&mut self) -> usize {
        self.now += TICK;
        self.tick += 1;
        for id in 0..self.listeners {
            let level = if id < TALKERS { 20 } else { 127 };
            self.room.observe(SourceId(id), Some(level), self.now);
        }
        for (id, voice) in (0..).zip(&self.voices) {
            let packet = voice.packets.get(self.tick as usize % 25).unwrap();
            let (seq, timestamp) = (self.tick.into(), self.tick.wrapping_mul(960));
            self.room.packet(SourceId(id), seq, timestamp, packet, Format::Plain, self.now);
        }
        self.room.tick(self.now);
        let frames = self.room.frames();
        (0..self.listeners)
            .filter_map(|id| frames.to(SourceId(id)))
            .map(|frame| frame.payload.map_or(0, <[u8]>::len))
            .sum()
    }
}

fn mixer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mixer");
    for listeners in [3, 100, 1000] {
        let mut meeting = Meeting::new(listeners);
        group.bench_function(format!("tick of {listeners}, 3 talk"), |bench| {
            bench.iter(|| black_box(meeting.tick()));
        });
    }
    for (name, channels) in [("mono", Channels::Mono), ("stereo input", Channels::Stereo)] {
        let sample = voice(170.0, channels);
        let (mut encoder, mut out) = (encoder(channels), [0; 1500]);
        let mut frames = sample.pcm.iter().cycle();
        group.bench_function(format!("encode 20 ms, {name}"), |bench| {
            bench.iter(|| encoder.encode(frames.next().unwrap(), &mut out).unwrap());
        });
    }
    let sample = voice(170.0, Channels::Mono);
    let mut decoder = Opus.decoder(Channels::Mono).unwrap();
    let (mut packets, mut pcm) = (sample.packets.iter().cycle(), [0.0; FRAME]);
    group.bench_function("decode 20 ms", |bench| {
        bench.iter(|| decoder.decode(packets.next().unwrap(), &mut pcm).unwrap());
    });
    let (from, mut to) = (encoder(Channels::Stereo), encoder(Channels::Stereo));
    group.bench_function("copy an encoder", |bench| {
        bench.iter_batched(|| (), |()| to.copy_from(&from).unwrap(), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = mixer
}
criterion_main!(benches);
