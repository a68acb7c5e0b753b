//! Microseconds since the program began.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Microseconds since the program first asked.
#[must_use]
pub fn micros() -> u64 {
    u64::try_from(BEGAN.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The moment of that many microseconds.
#[must_use]
pub fn moment(micros: u64) -> Instant {
    *BEGAN + Duration::from_micros(micros)
}
