//! Time and randomness.

use async_trait::async_trait;

use crate::time::Timestamp;

/// The one clock. Signatures, timers, timestamps and headers follow it.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The moment.
    fn now(&self) -> Timestamp;

    /// Waits until the clock shows `at` or later.
    async fn until(&self, at: Timestamp);
}

/// Random bytes for ids, keys and codes.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A version 4 UUID in lower case.
    fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        let value = u128::from_be_bytes(bytes);
        let value = value & !(0xf << 76) | (0x4 << 76);
        let value = value & !(0x3 << 62) | (0x2 << 62);
        let hex = format!("{value:032x}");
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
    }
}
