//! One direction of a network path, emulated.

use std::time::{Duration, Instant};

use crate::client::Random;

/// Octets of IP and UDP before a datagram.
const HEADERS: usize = 28;

/// A path with a bottleneck: a queue that drains at a rate and drops what does not fit; then a delay that varies, and loss.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// Rate of the bottleneck, in kbit/s; none is infinite.
    pub(crate) kbps: Option<u32>,
    /// Time that a full queue takes to drain.
    pub(crate) queue: Duration,
    pub(crate) delay: Duration,
    /// Most that is added to the delay of a packet. What overtakes is not held back.
    pub(crate) jitter: Duration,
    /// Loss in a million.
    pub(crate) loss: u32,
    /// Nothing passes.
    pub(crate) cut: bool,
    busy: Option<Instant>,
    random: Random,
    /// Packets that passed, and that did not.
    pub(crate) passed: (u64, u64),
    /// Octets that passed.
    pub(crate) octets: u64,
}

impl Path {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            kbps: None,
            queue: Duration::from_millis(300),
            delay: Duration::from_millis(15),
            jitter: Duration::ZERO,
            loss: 0,
            cut: false,
            busy: None,
            random: Random::new(seed),
            passed: (0, 0),
            octets: 0,
        }
    }

    /// Sends a datagram; tells when it arrives, if it does.
    pub(crate) fn send(&mut self, now: Instant, datagram: &[u8]) -> Option<Instant> {
        // Signatures of handshakes vary by a byte or two: nothing may depend on it.
        let handshake = datagram.first().is_some_and(|first| (20..64).contains(first));
        let octets = if handshake { 600 } else { datagram.len() + HEADERS };
        let lost = self.random.happens(self.loss);
        let jitter = Duration::from_micros(self.random.below(self.jitter.as_micros() as u64 + 1));
        let begins = self.busy.filter(|busy| *busy > now).unwrap_or(now);
        if self.cut || lost || begins - now > self.queue {
            self.passed.1 += 1;
            return None;
        }
        let takes = self.kbps.map_or(0, |kbps| octets as u64 * 8_000_000 / u64::from(kbps.max(1)));
        let ends = begins + Duration::from_nanos(takes);
        self.busy = Some(ends);
        self.passed.0 += 1;
        self.octets += octets as u64;
        Some(ends + self.delay + jitter)
    }
}
