//! The video that a client sends.

use std::time::{Duration, Instant};

use super::random::Random;
use super::stream::{Part, Stream};

/// One encoding of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Its name, if there are several.
    pub rid: Option<String>,
    /// Its rate, in kbit/s; zero while it is switched off.
    pub kbps: u32,
}

/// What a client shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// The encodings, the smallest first.
    pub encodings: Vec<Encoding>,
    /// Pictures per second.
    pub fps: u32,
    /// Temporal layers, 1 to 3.
    pub temporal_layers: u8,
    /// Spatial layers of VP9, 1 to 3, each predicted from the one below; with zero it is VP8.
    pub spatial_layers: u8,
    /// Layers of VP8 are told in the dependency descriptor and not in the payload, as browsers do it that send both.
    pub described: bool,
}

impl Show {
    /// One encoding, 15 pictures per second.
    #[must_use]
    pub fn single(kbps: u32) -> Self {
        let encodings = vec![Encoding { rid: None, kbps }];
        Self { encodings, fps: 15, temporal_layers: 1, spatial_layers: 0, described: false }
    }

    /// One encoding with layers: temporal ones of VP8, or spatial ones as well of VP9.
    #[must_use]
    pub fn layered(kbps: u32, spatial_layers: u8, temporal_layers: u8) -> Self {
        Self { temporal_layers, spatial_layers, ..Self::single(kbps) }
    }

    /// Simulcast with these rates of `low`, `mid` and `hi`.
    #[must_use]
    pub fn simulcast(low: u32, mid: u32, hi: u32) -> Self {
        let encoding = |rid: &str, kbps| Encoding { rid: Some(rid.to_owned()), kbps };
        let encodings = vec![encoding("low", low), encoding("mid", mid), encoding("hi", hi)];
        Self { encodings, fps: 15, temporal_layers: 1, spatial_layers: 0, described: false }
    }
}

#[derive(Debug)]
pub(super) struct Camera {
    show: Show,
    streams: Vec<Stream>,
    /// The beginning of its timestamps.
    start: (Instant, u32),
    next: Instant,
    /// The server has told that it may send.
    pub(super) open: bool,
}

impl Camera {
    pub(super) fn new(show: Show, now: Instant, random: &mut Random) -> Self {
        let streams =
            (0..).zip(&show.encodings).map(|(layer, each)| Stream::new(layer, each, random)).collect();
        let timestamp = u32::try_from(random.below(1 << 32)).unwrap_or_default();
        Self { show, streams, start: (now, timestamp), next: now, open: false }
    }

    pub(super) fn layers(&self) -> &[Stream] {
        &self.streams
    }

    pub(super) fn layers_mut(&mut self) -> &mut [Stream] {
        &mut self.streams
    }

    pub(super) fn fps(&self) -> u32 {
        self.show.fps
    }

    /// Whether it is VP9.
    pub(super) fn is_scalable(&self) -> bool {
        self.show.spatial_layers > 0
    }

    pub(super) fn stream_at(&mut self, place: usize) -> Option<&mut Stream> {
        self.streams.get_mut(place)
    }

    pub(super) fn place_of(&self, ssrc: u32) -> Option<usize> {
        self.streams.iter().position(|stream| stream.ssrc == ssrc)
    }

    pub(super) fn stream_mut(&mut self, ssrc: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.ssrc == ssrc)
    }

    /// Other rates, in the order of the encodings.
    pub(super) fn set_rates(&mut self, rates: &[u32]) {
        for (stream, kbps) in self.streams.iter_mut().zip(rates) {
            stream.key_wanted |= stream.kbps == 0 && *kbps > 0;
            stream.kbps = *kbps;
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.open.then_some(self.next)
    }

    /// The packets of the pictures that are due, with their streams.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(usize, Part)> {
        let mut parts = Vec::new();
        let every = Duration::from_secs(1) / self.show.fps.max(1);
        if now.saturating_duration_since(self.next) > 10 * every {
            self.next = now;
        }
        while self.open && now >= self.next {
            self.next += every;
            let timestamp = self.timestamp(now);
            for (place, stream) in self.streams.iter_mut().enumerate().filter(|(_, stream)| stream.kbps > 0) {
                let next = stream.next(timestamp, &self.show);
                parts.extend(next.into_iter().map(|part| (place, part)));
            }
        }
        parts
    }

    pub(super) fn timestamp(&self, now: Instant) -> u32 {
        let (at, first) = self.start;
        let units = now.saturating_duration_since(at).as_micros() * 90 / 1000;
        first.wrapping_add(u32::try_from(units & u128::from(u32::MAX)).unwrap_or_default())
    }
}
