//! One encoding that a client sends: its numbers, and what it may have to send again.

use super::camera::Encoding;
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
    pub(super) fn next(&mut self, timestamp: u32, fps: u32, temporal_layers: u8) -> Vec<Part> {
        let key = std::mem::take(&mut self.key_wanted);
        let temporal: u8 = match (key, temporal_layers, self.phase % 4) {
            (true, ..) | (_, 0 | 1, _) | (_, _, 0) => 0,
            (_, 2, phase) => u8::try_from(phase % 2).unwrap_or_default(),
            (_, _, 2) => 1,
            _ => 2,
        };
        self.phase = if key { 1 } else { self.phase + 1 };
        self.number = self.number.wrapping_add(1);
        self.picture = self.picture.wrapping_add(1) & 0x7fff;
        if temporal == 0 {
            self.base = self.base.wrapping_add(1);
        }
        // What it builds upon: the last picture of the lowest layer, or for the highest one that of any below.
        let below = self.last.iter().take(usize::from(temporal).max(1)).flatten().max();
        let back = below
            .filter(|_| !key)
            .map_or(0, |upon| u8::try_from(self.number.wrapping_sub(*upon)).unwrap_or(0));
        if key {
            self.last = [None; 3];
        }
        if let Some(last) = self.last.get_mut(usize::from(temporal)) {
            *last = Some(self.number);
        }
        let octets =
            usize::try_from(self.kbps).unwrap_or_default() * 125 / usize::try_from(fps.max(1)).unwrap_or(1);
        let octets = (if key { octets * KEY } else { octets }).max(HEAD + 1);
        let count = octets.div_ceil(PART + HEAD);
        let size = (octets / count).saturating_sub(HEAD);
        let mark = |part| Mark {
            layer: self.layer,
            temporal,
            number: self.number,
            part: (part, u16::try_from(count).unwrap_or(u16::MAX)),
            back,
        };
        let numbers = Numbers { picture: self.picture, base: self.base };
        let parts: Vec<Part> = (0..u16::try_from(count).unwrap_or(u16::MAX))
            .map(|part| Part {
                index: self.index + 1 + u64::from(part),
                timestamp,
                marker: usize::from(part) + 1 == count,
                mark: mark(part),
                numbers,
                octets: size,
            })
            .collect();
        self.index += u64::try_from(parts.len()).unwrap_or_default();
        for part in &parts {
            self.sent.0 = self.sent.0.wrapping_add(1);
            self.sent.1 = self.sent.1.wrapping_add(u32::try_from(part.octets + HEAD).unwrap_or_default());
            self.keep(*part);
        }
        parts
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
