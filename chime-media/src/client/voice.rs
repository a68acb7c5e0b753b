//! The voice that a client sends.

use std::collections::VecDeque;

use super::offer::{OPUS, RED};
use super::random::Random;
use crate::audio::red::{self, Block};

/// Samples of a frame, as RTP counts them.
const SAMPLES: u32 = 960;

#[derive(Debug)]
pub(super) struct Voice {
    ssrc: u32,
    index: u64,
    timestamp: u32,
    /// Nothing was sent just before.
    paused: bool,
    red: Option<usize>,
    earlier: VecDeque<(u32, Vec<u8>)>,
    pub(super) sent: (u32, u32),
}

/// Numbers of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spoken {
    pub(super) index: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload_type: u8,
}

impl Voice {
    pub(super) fn new(random: &mut Random, red: Option<usize>) -> Self {
        let ssrc = random.ssrc();
        let (index, timestamp) =
            (random.below(30_000) + 1, u32::try_from(random.below(1 << 32)).unwrap_or_default());
        Self { ssrc, index, timestamp, paused: true, red, earlier: VecDeque::new(), sent: (0, 0) }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub(super) fn timestamp(&self) -> u32 {
        self.timestamp
    }

    pub(super) fn sends_red(&self) -> bool {
        self.red.is_some()
    }

    /// 20 ms pass without a packet.
    pub(super) fn pause(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        self.paused = true;
    }

    /// The next frame's numbers.
    pub(super) fn next(&mut self, octets: usize) -> Spoken {
        self.index += 1;
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
        self.sent.0 = self.sent.0.wrapping_add(1);
        self.sent.1 = self.sent.1.wrapping_add(u32::try_from(octets).unwrap_or_default());
        let payload_type = if self.red.is_some() { RED } else { OPUS };
        let marker = std::mem::take(&mut self.paused);
        Spoken { index: self.index, timestamp: self.timestamp, marker, payload_type }
    }

    /// Appends the payload, with earlier ones if it is RED.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, timestamp: u32, payload: &[u8]) {
        let Some(depth) = self.red else { return out.extend_from_slice(payload) };
        let blocks: Vec<Block<'_>> = self
            .earlier
            .iter()
            .map(|(at, payload)| Block { payload_type: OPUS, offset: timestamp.wrapping_sub(*at), payload })
            .filter(|block| block.offset < 1 << 14)
            .collect();
        if red::write(&blocks, OPUS, payload, out).is_err() {
            out.push(OPUS);
            out.extend_from_slice(payload);
        }
        self.earlier.push_back((timestamp, payload.to_vec()));
        while self.earlier.len() > depth {
            self.earlier.pop_front();
        }
    }
}
