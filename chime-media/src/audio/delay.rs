//! How long packets have to wait, from how irregularly they come.

/// Clock and positions are in samples.
const SECOND: i64 = 48_000;

/// The fastest packet is remembered for one to two of these; longer follows a drifting clock less well.
const WINDOW: i64 = 5 * SECOND;

/// Resolution and reach of the histogram: 2 ms, 200 ms.
const BUCKET: i64 = 96;
const BUCKETS: usize = 100;

/// What remains of the past with each packet: two seconds of memory at 50 packets per second.
const FORGET: f32 = 0.99;

/// The share of packets that may come later than the target.
const LATE_SHARE: f32 = 0.03;

/// A packet this much later than the fastest is no jitter: the sender's clock has stood still.
const RESTART: i64 = SECOND;

/// Measures jitter above the fastest recent packet.
#[derive(Debug)]
pub(super) struct Delay {
    fastest: Option<i64>,
    fastest_before: Option<i64>,
    window_end: i64,
    histogram: [f32; BUCKETS],
}

impl Delay {
    pub(super) const fn new() -> Self {
        let mut histogram = [0.0; BUCKETS];
        if let Some(first) = histogram.first_mut() {
            *first = 1.0;
        }
        Self { fastest: None, fastest_before: None, window_end: 0, histogram }
    }

    /// A packet for position `media` came at `clock`.
    pub(super) fn observe(&mut self, clock: i64, media: i64) {
        let transit = clock - media;
        if self.base().is_some_and(|base| (transit - base).abs() > RESTART) {
            self.fastest = None;
            self.fastest_before = None;
        }
        if clock >= self.window_end {
            self.fastest_before = if clock < self.window_end + WINDOW { self.fastest } else { None };
            self.fastest = None;
            self.window_end = clock + WINDOW;
        }
        self.fastest = Some(self.fastest.map_or(transit, |fastest| fastest.min(transit)));
        let late = transit - self.base().unwrap_or(transit);
        let index = usize::try_from(late / BUCKET).unwrap_or(0).min(BUCKETS - 1);
        for (at, weight) in self.histogram.iter_mut().enumerate() {
            *weight *= FORGET;
            if at == index {
                *weight += 1.0 - FORGET;
            }
        }
    }

    /// The difference of clock and position at which nearly all packets are there in time; none before the first.
    pub(super) fn target(&self) -> Option<i64> {
        self.base().map(|base| base + self.jitter())
    }

    /// The part of it that is due to jitter.
    pub(super) fn jitter(&self) -> i64 {
        let mut later = 0.0;
        for (at, weight) in self.histogram.iter().enumerate().rev() {
            later += weight;
            if later > LATE_SHARE {
                return (i64::try_from(at).unwrap_or(0) + 1) * BUCKET;
            }
        }
        BUCKET
    }

    fn base(&self) -> Option<i64> {
        match (self.fastest, self.fastest_before) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}
