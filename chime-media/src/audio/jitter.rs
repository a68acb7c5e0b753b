//! Puts packets in order and says, when samples are due, where to take them from.

use std::collections::VecDeque;
use std::time::Instant;

use super::Stats;
use super::codec::FRAME;
use super::delay::Delay;

/// Packets held at most: 1.3 s of 20 ms packets.
pub(super) const CAPACITY: usize = 64;

/// Frames made up at most while nothing comes; then the source is taken to have stopped.
const CONCEALED: u32 = 5;

/// The same after a DTX packet, whose noise the decoder continues until the next, 400 ms later.
const COMFORT: u32 = 25;

/// A longer hole is not filled.
const HOLE: i64 = 5 * FRAME as i64;

/// So many late packets in a row mean that the sender has begun anew.
const RESTART: u32 = 25;

/// Share of packets lost above which one more frame of delay pays, since it lets losses be repaired.
const LOSSY: f32 = 0.01;

/// How far the delay may be above its target before it is shortened, beyond the tick that is unavoidable.
const SLACK: i64 = FRAME as i64 / 4;

/// Where the next samples come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pull<'a> {
    /// Decode this packet. `first`: nothing was played just before.
    Decode { payload: &'a [u8], first: bool },
    /// Decode what was lost, so many samples, from the redundancy in this later packet.
    Recover { next: &'a [u8], samples: usize },
    /// Make up a frame.
    Conceal,
    /// Nothing is due.
    Idle,
}

#[derive(Debug, Default)]
struct Slot {
    at: i64,
    length: i64,
    seq: u64,
    fec: bool,
    portable: bool,
    redundant: bool,
    payload: Vec<u8>,
}

/// A packet as it is put in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) seq: u64,
    pub(super) timestamp: u32,
    pub(super) payload: &'a [u8],
    /// Samples that it holds.
    pub(super) length: usize,
    pub(super) fec: bool,
    /// Listeners may be given it as it is.
    pub(super) portable: bool,
    /// From a redundant block of a later packet.
    pub(super) redundant: bool,
}

/// The packets of one source that are not yet played.
///
/// INVARIANT: `slots` are ordered by `at` and none lies before `floor`, which never falls: nothing is played twice or
/// backwards.
#[derive(Debug)]
pub(super) struct JitterBuffer {
    slots: VecDeque<Slot>,
    spare: Vec<Slot>,
    current: Slot,
    delay: Delay,
    epoch: Option<Instant>,
    /// A timestamp and the position it stands for.
    reference: Option<(u32, i64)>,
    /// Where the next packet to decode begins, while playing.
    expected: Option<i64>,
    floor: i64,
    empty: u32,
    late_in_row: u32,
    highest: Option<u64>,
    lost: f32,
    redundancy: u32,
}

impl JitterBuffer {
    pub(super) fn new() -> Self {
        Self {
            slots: VecDeque::with_capacity(CAPACITY),
            spare: Vec::with_capacity(CAPACITY + 1),
            current: Slot::default(),
            delay: Delay::new(),
            epoch: None,
            reference: None,
            expected: None,
            floor: i64::MIN,
            empty: 0,
            late_in_row: 0,
            highest: None,
            lost: 0.0,
            redundancy: 0,
        }
    }

    /// Forgets the stream; what it has learnt of the network stays only for [`JitterBuffer::pause`].
    pub(super) fn reset(&mut self) {
        self.pause();
        self.delay = Delay::new();
        self.epoch = None;
        self.reference = None;
        self.floor = i64::MIN;
        self.lost = 0.0;
        self.redundancy = 0;
    }

    /// Throws away what is not played; the stream may go on later.
    pub(super) fn pause(&mut self) {
        while let Some(slot) = self.slots.pop_front() {
            self.spare.push(slot);
        }
        self.expected = None;
        self.highest = None;
        self.empty = 0;
        self.late_in_row = 0;
    }

    /// How many packets wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Where the next packet begins.
    #[cfg(test)]
    pub(super) fn position(&self) -> i64 {
        self.expected.unwrap_or(self.floor)
    }

    pub(super) fn insert(&mut self, arrival: Arrival<'_>, now: Instant, stats: &mut Stats) {
        let clock = self.clock(now);
        let Ok(length) = i64::try_from(arrival.length) else { return };
        let mut at = self.position_of(arrival.timestamp, clock);
        if arrival.redundant {
            if self.expected.is_none_or(|expected| at < expected) || self.slots.iter().any(|s| s.at == at) {
                return;
            }
        } else if at < self.floor {
            stats.late += 1;
            self.delay.observe(clock, at);
            self.late_in_row += 1;
            if self.late_in_row < RESTART {
                return;
            }
            self.pause();
            self.delay = Delay::new();
            at = self.floor;
            self.reference = Some((arrival.timestamp, at));
        }
        if !arrival.redundant {
            self.late_in_row = 0;
            self.delay.observe(clock, at);
            self.count(arrival.seq);
            if self.reference.is_none_or(|(_, newest)| at > newest) {
                self.reference = Some((arrival.timestamp, at));
            }
        }
        if arrival.fec || arrival.redundant {
            self.redundancy = 250;
        } else {
            self.redundancy = self.redundancy.saturating_sub(1);
        }
        let index = self.slots.partition_point(|slot| slot.at < at);
        if let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.at == at) {
            // The primary may be longer-lived than the copy of it that came first, and it counts as received.
            if slot.redundant {
                slot.redundant = arrival.redundant;
            } else {
                stats.duplicate += 1;
            }
            return;
        }
        if self.slots.len() >= CAPACITY {
            stats.dropped += 1;
            if index == 0 {
                return;
            }
            self.discard();
        }
        let mut slot = self.spare.pop().unwrap_or_default();
        slot.payload.clear();
        slot.payload.extend_from_slice(arrival.payload);
        (slot.at, slot.length, slot.seq) = (at, length, arrival.seq);
        (slot.fec, slot.portable, slot.redundant) = (arrival.fec, arrival.portable, arrival.redundant);
        let index = self.slots.partition_point(|slot| slot.at < at);
        self.slots.insert(index, slot);
    }

    /// What to play next, with `ahead` samples decoded and not yet played. `draining`: nothing more will come.
    pub(super) fn next(&mut self, now: Instant, ahead: usize, draining: bool, stats: &mut Stats) -> Pull<'_> {
        let clock = self.clock(now);
        while self.slots.front().is_some_and(|front| front.at < self.floor) {
            // What was played meanwhile was longer than it should have been.
            stats.dropped += 1;
            self.discard();
        }
        let Some(front) = self.slots.front() else { return self.starve(draining) };
        let (front_at, front_length, fec) = (front.at, front.length, front.fec);
        let follows = !front.redundant && front.seq == self.current.seq.wrapping_add(1);
        let Some(expected) = self.expected else {
            return self.start(clock, front_at, stats);
        };
        let hole = front_at - expected;
        if hole == 0 {
            return self.play(false, stats);
        }
        // The sender was silent, or so much is missing that what follows is a new beginning.
        if follows || hole > HOLE {
            self.expected = None;
            return self.start(clock, front_at, stats);
        }
        // Of the hole, leave out whole frames by which the delay is too long: they were made up while nothing came.
        let over = self.excess(now, ahead).unwrap_or(0).max(0);
        let expected = expected + if over >= hole { hole } else { over / FRAME as i64 * FRAME as i64 };
        let hole = front_at - expected;
        if hole == 0 {
            return self.play(false, stats);
        }
        if fec && hole <= front_length {
            stats.recovered_fec += 1;
            self.expected = Some(front_at);
            self.floor = front_at;
            let next = self.slots.front().map_or(&[][..], |slot| slot.payload.as_slice());
            return Pull::Recover { next, samples: usize::try_from(hole).unwrap_or(FRAME) };
        }
        let step = if fec && hole < FRAME as i64 + front_length {
            (hole - front_length).max(1)
        } else {
            hole.min(FRAME as i64)
        };
        self.expected = Some(expected + step.max(FRAME as i64).min(hole));
        self.floor = self.expected.unwrap_or(self.floor);
        Pull::Conceal
    }

    /// The packet that was played last, if listeners may be given it as it is.
    pub(super) fn portable(&self) -> Option<&[u8]> {
        self.current.portable.then_some(&self.current.payload)
    }

    /// By how much the delay is above what jitter asks for, in samples; between 0 and a frame is as good as it gets.
    /// None while nothing is played.
    pub(super) fn excess(&self, now: Instant, ahead: usize) -> Option<i64> {
        let ahead = i64::try_from(ahead).ok()?;
        let offset = self.clock_at(now) - (self.expected? - ahead);
        Some(offset - self.target()?)
    }

    /// Whether the delay is a frame too long, and there are packets to shorten it with.
    pub(super) fn too_long(&self, now: Instant, ahead: usize) -> bool {
        self.excess(now, ahead).is_some_and(|excess| excess >= FRAME as i64 + SLACK)
            && self.slots.front().is_some_and(|front| Some(front.at) == self.expected)
    }

    /// Whether the delay is shorter than it should be.
    pub(super) fn too_short(&self, now: Instant, ahead: usize) -> bool {
        self.excess(now, ahead).is_some_and(|excess| excess < -SLACK)
    }

    fn start(&mut self, clock: i64, front_at: i64, stats: &mut Stats) -> Pull<'_> {
        match self.target() {
            Some(target) if clock < target + front_at => Pull::Idle,
            _ => {
                self.expected = Some(front_at);
                self.play(true, stats)
            }
        }
    }

    fn play(&mut self, first: bool, stats: &mut Stats) -> Pull<'_> {
        self.empty = 0;
        if self.slots.front().is_some_and(|front| front.redundant) {
            stats.recovered_red += 1;
        }
        self.pop();
        self.expected = Some(self.current.at + self.current.length);
        self.floor = self.current.at + self.current.length;
        Pull::Decode { payload: &self.current.payload, first }
    }

    fn starve(&mut self, draining: bool) -> Pull<'_> {
        if self.expected.is_none() {
            return Pull::Idle;
        }
        self.empty += 1;
        let limit = if self.current.payload.len() <= 2 { COMFORT } else { CONCEALED };
        if draining || self.empty > limit {
            self.expected = None;
            self.highest = None;
            self.empty = 0;
            return Pull::Idle;
        }
        Pull::Conceal
    }

    fn discard(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.spare.push(slot);
        }
    }

    fn pop(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            let before = std::mem::replace(&mut self.current, slot);
            self.spare.push(before);
        }
    }

    fn target(&self) -> Option<i64> {
        let repair = if self.lost > LOSSY && self.redundancy > 0 { FRAME as i64 } else { 0 };
        self.delay.target().map(|target| target + repair)
    }

    fn count(&mut self, seq: u64) {
        let gap = match self.highest {
            Some(highest) if seq <= highest => return,
            Some(highest) => seq - highest,
            None => 1,
        };
        self.highest = Some(seq);
        if gap <= 50 {
            let missing = (gap - 1) as f32;
            self.lost = (self.lost * 0.99 + 0.01 * missing).min(1.0);
        }
    }

    fn position_of(&self, timestamp: u32, clock: i64) -> i64 {
        match self.reference {
            Some((reference, position)) => {
                let step = timestamp.wrapping_sub(reference).cast_signed();
                position + i64::from(step)
            }
            None => clock,
        }
    }

    fn clock(&mut self, now: Instant) -> i64 {
        self.epoch.get_or_insert(now);
        self.clock_at(now)
    }

    fn clock_at(&self, now: Instant) -> i64 {
        let since = self.epoch.map_or_else(Default::default, |epoch| now.saturating_duration_since(epoch));
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX / 48) * 48 / 1000
    }
}
