//! How much a receiver's path carries, from the transport-wide feedback on what was sent to it.
//!
//! The method is that of Google's congestion control (draft-ietf-rmcat-gcc), on the sender's side:
//!
//! ```text
//! feedback ─ groups.rs: packets sent together ─ trend.rs: does their delay grow? ─ detector.rs: too much?
//!          ─ acked.rs: what arrives ─────────────────────────────────────────────┐       │
//!          ─ queue.rs: does one stay full? ───────────────────────────────────────────┤
//!          ─ loss.rs: what does not ──────────────────────────────────────── control.rs: up, hold, down
//!          ─ probe.rs: a burst above what is needed, when more is wanted ──── estimator.rs
//! ```
//!
//! # Our choices
//!
//! - Only video is numbered, so the estimate is what is left for video: the mix passes beside it, and is never held back.
//! - A receiver begins with [`START`], which is more than most need, so that pictures are sharp at once.
//! - Loss without waiting takes the estimate down slowly: a path that loses at random still carries what is sent.
//! - A queue that stays full is congestion though its delay does not grow: without this, what is sent again for what it
//!   drops would keep it full for ever.
//! - While less is sent than the path carries, nobody can know how much it carries. So when a receiver wants more than the
//!   estimate, a burst is sent for a tenth of a second: packets that were sent already, or padding. What comes of it does
//!   not count as congestion.

mod acked;
mod control;
mod detector;
mod estimator;
mod groups;
mod loss;
mod probe;
mod queue;
#[cfg(test)]
mod tests;
mod trend;

pub use estimator::{Estimator, START};

use std::time::{Duration, Instant};

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Its number over all packets to the receiver.
    pub index: u64,
    /// Its size.
    pub octets: usize,
    /// When it was sent.
    pub sent: Instant,
    /// When it arrived, by the receiver's clock; none if it did not.
    pub arrived: Option<Duration>,
}

/// Milliseconds.
fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Bits per second of octets over a time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are far below 2^53")]
fn rate(octets: usize, over: Duration) -> u64 {
    let octets = u32::try_from(octets).unwrap_or(u32::MAX);
    (f64::from(octets) * 8.0 / over.as_secs_f64().max(0.001)) as u64
}

/// A rate times a factor.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "rates are far below 2^53"
)]
fn scaled(rate: u64, factor: f64) -> u64 {
    (rate as f64 * factor) as u64
}
