//! One encoding that a client sends: its numbers, and what it may have to send again.

use super::camera::{Encoding, Show};
use super::picture::{HEAD, Mark, Numbers};
use super::random::Random;

/// Packets that can be sent again.
const KEPT: usize = 512;
/// Payload of a packet behind its head, in bytes.
const PART: usize = 1080;
/// How much larger a key frame is.
const KEY: usize = 3;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) rid: Option<String>,
    pub(super) kbps: u32,
    pub(super) ssrc: u32,
    pub(super) repair: u32,
    layer: u8,
    index: u64,
    pub(super) repair_index: u64,
    number: u32,
    picture: u16,
    base: u8,
    /// Numbers of the last pictures of each temporal layer.
    last: [Option<u32>; 3],
    phase: usize,
    pub(super) key_wanted: bool,
    pub(super) sent: (u32, u32),
    kept: Vec<Option<Part>>,
}

/// A packet of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) index: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) mark: Mark,
    pub(super) numbers: Numbers,
    pub(super) octets: usize,
}

impl Stream {
    pub(super) fn new(layer: u8, encoding: &Encoding, random: &mut Random) -> Self {
        Self {
            rid: encoding.rid.clone(),
            kbps: encoding.kbps,
            ssrc: random.ssrc(),
            repair: random.ssrc(),
            layer,
            index: random.below(30_000) + 1,
            repair_index: random.below(30_000) + 1,
            number: 0,
            picture: u16::try_from(random.below(0x8000)).unwrap_or_default(),
            base: 0,
            last: [None; 3],
            phase: 0,
            key_wanted: true,
            sent: (0, 0),
            kept: Vec::new(),
        }
    }

    /// The packets of the next picture.
    pub(super) fn next(&mut self, timestamp: u32, show: &Show) -> Vec<Part> {
        let key = std::mem::take(&mut self.key_wanted);
        if key {
            (self.phase, self.last) = (0, [None; 3]);
        }
        let phase = self.phase % 8;
        let temporal: u8 = match (show.temporal_layers, phase) {
            (0 | 1, _) | (_, 0 | 4) => 0,
            (2, phase) => u8::try_from(phase % 2).unwrap_or_default(),
            (_, 2 | 6) => 1,
            _ => 2,
        };
        self.phase += 1;
        self.number = self.number.wrapping_add(1);
        self.picture = self.picture.wrapping_add(1) & 0x7fff;
        if temporal == 0 {
            self.base = self.base.wrapping_add(1);
        }
        // What it builds upon: the last picture of any layer below, but in every other group that of its own layer.
        let own = temporal == 0 || phase == 5 || phase == 6;
        let lowest = if own { usize::from(temporal) } else { 0 };
        let above = if own { lowest + 1 } else { usize::from(temporal) };
        let upon = self.last.get(lowest..above).into_iter().flatten().copied().max().flatten();
        let back = upon.map_or(0, |upon| u8::try_from(self.number.wrapping_sub(upon)).unwrap_or(0));
        let up = match show.spatial_layers {
            0 if !show.described => {
                temporal > 0 && upon.is_some() && upon == self.last.first().copied().flatten()
            }
            _ => phase == 0,
        };
        if let Some(last) = self.last.get_mut(usize::from(temporal)) {
            *last = Some(self.number);
        }
        let mut parts = Vec::new();
        let spatial_layers = show.spatial_layers.max(1);
        for spatial in 0..spatial_layers {
            let octets = self.octets(key, spatial, show);
            let count = octets.div_ceil(PART + HEAD);
            let size = (octets / count).saturating_sub(HEAD);
            let count = u16::try_from(count).unwrap_or(u16::MAX);
            for part in 0..count {
                self.index += 1;
                let ends = part + 1 == count;
                parts.push(Part {
                    index: self.index,
                    timestamp,
                    marker: ends && spatial + 1 == spatial_layers,
                    mark: Mark {
                        layer: self.layer,
                        temporal,
                        spatial,
                        number: self.number,
                        part: (part, count),
                        back,
                    },
                    numbers: Numbers {
                        vp9: show.spatial_layers > 0,
                        described: show.described,
                        picture: self.picture,
                        base: self.base,
                        up,
                        ends,
                    },
                    octets: size,
                });
            }
        }
        for part in &parts {
            self.sent.0 = self.sent.0.wrapping_add(1);
            self.sent.1 = self.sent.1.wrapping_add(u32::try_from(part.octets + HEAD).unwrap_or_default());
            self.keep(*part);
        }
        parts
    }

    /// A number that no picture has.
    pub(super) fn skip(&mut self) -> u64 {
        self.index += 1;
        self.index
    }

    /// Octets of a frame: each spatial layer has thrice as many as the one below.
    fn octets(&self, key: bool, spatial: u8, show: &Show) -> usize {
        let whole = usize::try_from(self.kbps).unwrap_or_default() * 125
            / usize::try_from(show.fps.max(1)).unwrap_or(1);
        let all: usize = (0..u32::from(show.spatial_layers.max(1))).map(|layer| 3_usize.pow(layer)).sum();
        let octets = whole * 3_usize.pow(spatial.into()) / all;
        (if key { octets * KEY } else { octets }).max(HEAD + 1)
    }

    fn keep(&mut self, part: Part) {
        if self.kept.is_empty() {
            self.kept.resize(KEPT, None);
        }
        if let Some(slot) = place(part.index).and_then(|place| self.kept.get_mut(place)) {
            *slot = Some(part);
        }
    }

    /// A packet that was sent with this sequence number.
    pub(super) fn again(&self, sequence: u16) -> Option<Part> {
        let index = crate::rtp::sequence::Extender::at(self.index).guess(sequence);
        self.kept.get(place(index)?).copied().flatten().filter(|part| part.index == index)
    }
}

fn place(index: u64) -> Option<usize> {
    usize::try_from(index).ok().map(|index| index % KEPT)
}
