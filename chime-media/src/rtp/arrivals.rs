//! When packets arrived, for a sender's congestion control (transport-wide feedback, draft-holmer-rmcat).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sequence::{Extender, low};

/// Most packets of one report; older ones are forgotten.
const MOST: usize = 2048;
/// Unit of the reference time.
const REFERENCE: Duration = Duration::from_millis(64);
/// Symbols of a status vector with two bits each.
const SYMBOLS: usize = 7;

/// Packets that arrived and were not reported yet.
#[derive(Debug)]
pub struct Arrivals {
    start: Instant,
    extender: Option<Extender>,
    /// Number of the first entry.
    base: u64,
    waiting: VecDeque<Option<Instant>>,
    count: u8,
}

impl Arrivals {
    /// Nothing has arrived; times are told from `start` on.
    #[must_use]
    pub const fn new(start: Instant) -> Self {
        Self { start, extender: None, base: 0, waiting: VecDeque::new(), count: 0 }
    }

    /// Notes a packet by its number over all of the transport.
    pub fn note(&mut self, now: Instant, sequence: u16) {
        let extender = self.extender.get_or_insert_with(|| {
            self.base = u64::from(sequence);
            Extender::new(sequence)
        });
        let index = extender.guess(sequence);
        extender.take(index);
        // What was reported as lost stays lost.
        let Some(place) = index.checked_sub(self.base).and_then(|place| usize::try_from(place).ok()) else {
            return;
        };
        if place > 4 * MOST {
            self.waiting.clear();
            self.base = index;
            self.waiting.push_back(Some(now));
            return;
        }
        if place >= self.waiting.len() {
            self.waiting.resize(place + 1, None);
        }
        if let Some(entry) = self.waiting.get_mut(place) {
            *entry = Some(now);
        }
        while self.waiting.len() > MOST {
            self.waiting.pop_front();
            self.base += 1;
        }
    }

    /// Whether there is something to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Writes a report, if there is something to report, behind what `out` holds, about the sources of the peer of which `media` is one.
    pub fn report(&mut self, out: &mut Vec<u8>, sender: u32, media: u32) {
        let Some(first) = self.waiting.iter().flatten().next().copied() else { return };
        let since = |at: Instant| at.saturating_duration_since(self.start);
        let reference = since(first).as_millis() / REFERENCE.as_millis();
        let mut before = REFERENCE * u32::try_from(reference).unwrap_or(u32::MAX);
        let start = out.len();
        out.extend_from_slice(&[0x80 | 15, 205, 0, 0]);
        out.extend_from_slice(&sender.to_be_bytes());
        out.extend_from_slice(&media.to_be_bytes());
        out.extend_from_slice(&low(self.base).to_be_bytes());
        let count = u16::try_from(self.waiting.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        let reference = u32::try_from(reference & 0xff_ffff).unwrap_or_default();
        out.extend(reference.to_be_bytes().iter().skip(1));
        out.push(self.count);
        self.count = self.count.wrapping_add(1);

        // Differences in units of 250 µs; what does not fit is told at the next packet.
        let mut deltas = Vec::with_capacity(self.waiting.len() * 2);
        let mut symbol = |arrived: &Option<Instant>| -> u16 {
            let Some(at) = arrived else { return 0 };
            let now = since(*at);
            let micros = |of: Duration| i64::try_from(of.as_micros()).unwrap_or(i64::MAX);
            let delta = (micros(now) - micros(before)).div_euclid(250);
            let told = delta.clamp(i64::from(i16::MIN), i64::from(i16::MAX));
            let moved = Duration::from_micros(told.unsigned_abs() * 250);
            before = if told >= 0 { before + moved } else { before.saturating_sub(moved) };
            if let Ok(small) = u8::try_from(told) {
                deltas.push(small);
                1
            } else {
                deltas.extend_from_slice(&i16::try_from(told).unwrap_or_default().to_be_bytes());
                2
            }
        };
        let mut arrivals = self.waiting.iter();
        let mut left = self.waiting.len();
        while left > 0 {
            let mut chunk: u16 = 0xc000;
            for place in 0..SYMBOLS.min(left) {
                let bits = arrivals.next().map_or(0, &mut symbol);
                chunk |= bits << (2 * (SYMBOLS - 1 - place));
            }
            left -= SYMBOLS.min(left);
            out.extend_from_slice(&chunk.to_be_bytes());
        }
        out.extend_from_slice(&deltas);
        let padding = (4 - (out.len() - start) % 4) % 4;
        if padding > 0 {
            out.extend(std::iter::repeat_n(0, padding - 1));
            out.push(u8::try_from(padding).unwrap_or_default());
            if let Some(byte) = out.get_mut(start) {
                *byte |= 0x20;
            }
        }
        let words = u16::try_from((out.len() - start) / 4 - 1).unwrap_or(u16::MAX).to_be_bytes();
        out.iter_mut().skip(start + 2).zip(words).for_each(|(to, from)| *to = from);
        self.base += u64::try_from(self.waiting.len()).unwrap_or_default();
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rtc_rtcp::transport_feedbacks::transport_layer_cc::{
        PacketStatusChunk, SymbolTypeTcc, TransportLayerCc,
    };
    use rtc_shared::marshal::Unmarshal as _;

    use super::*;

    proptest! {
        /// The published parser reads what was noted.
        #[test]
        fn a_report_tells_what_arrived_and_when(
            first: u16, steps in prop::collection::vec((1_u16..4, 0_u64..90_000), 1..200),
        ) {
            let start = crate::testing::start();
            let mut arrivals = Arrivals::new(start);
            let (mut sequence, mut at, mut noted) = (first, Duration::from_millis(100), Vec::new());
            for (gap, micros) in steps {
                sequence = if noted.is_empty() { first } else { sequence.wrapping_add(gap) };
                at += Duration::from_micros(micros);
                arrivals.note(start + at, sequence);
                noted.push((sequence, at));
            }
            let mut out = Vec::new();
            arrivals.report(&mut out, 1, 2);
            prop_assert!(arrivals.is_empty());
            let report = TransportLayerCc::unmarshal(&mut out.as_slice()).unwrap();
            prop_assert_eq!(report.base_sequence_number, first);
            let symbols: Vec<SymbolTypeTcc> = report.packet_chunks.iter().flat_map(|chunk| match chunk {
                PacketStatusChunk::StatusVectorChunk(chunk) => chunk.symbol_list.clone(),
                PacketStatusChunk::RunLengthChunk(_) => unreachable!(),
            }).take(usize::from(report.packet_status_count)).collect();
            let arrived: Vec<u16> = symbols.iter().zip(0_u16..)
                .filter(|(symbol, _)| **symbol != SymbolTypeTcc::PacketNotReceived)
                .map(|(_, place)| first.wrapping_add(place)).collect();
            prop_assert_eq!(arrived, noted.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>());
            let mut time = i64::from(report.reference_time) * 64_000;
            for (delta, (_, at)) in report.recv_deltas.iter().zip(&noted) {
                time += delta.delta;
                let real = i64::try_from(at.as_micros()).unwrap();
                prop_assert!((real - time).abs() <= 250, "{} against {}", time, real);
            }
        }
    }
}
