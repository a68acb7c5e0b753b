//! What a room counts.

/// Totals since the room began. Packets unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Ticks.
    pub ticks: u64,
    /// Observed and not worth decrypting.
    pub skipped: u64,
    /// Decoded.
    pub decoded: u64,
    /// Frames that the decoder made up.
    pub concealed: u64,
    /// Lost, and decoded from the in-band FEC of the next one.
    pub recovered_fec: u64,
    /// Lost, and decoded from a redundant block of a later one.
    pub recovered_red: u64,
    /// Arrived when their time had passed.
    pub late: u64,
    /// Arrived twice.
    pub duplicate: u64,
    /// Malformed, or more than the buffer holds.
    pub dropped: u64,
    /// Frames by which a buffer was shortened.
    pub shortened: u64,
    /// Frames by which a buffer was lengthened.
    pub lengthened: u64,
    /// Encoded, shared and personal together.
    pub encodes: u64,
    /// Encoded in the last tick.
    pub encodes_last_tick: u64,
    /// Frames of one voice that were passed on as they had come.
    pub passed: u64,
    /// Shared and personal frames that were silence and were not sent.
    pub dtx: u64,
    /// Times that a listener got an encoder of his own.
    pub personal_started: u64,
    /// Failures of the codec other than malformed packets.
    pub codec_errors: u64,
}
