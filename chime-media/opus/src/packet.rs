//! What a payload says about itself.

/// How many samples per channel at 48 kHz the packet holds, 120 to 5760; none if it is no Opus packet.
#[must_use]
pub fn samples(payload: &[u8]) -> Option<usize> {
    let length = i32::try_from(payload.len()).ok().filter(|length| *length > 0)?;
    // SAFETY: the pointer is valid for `length` > 0 bytes for the time of the call; libopus only reads.
    let count =
        unsafe { opusic_sys::opus_packet_get_nb_samples(payload.as_ptr(), length, crate::SAMPLE_RATE) };
    usize::try_from(count).ok().filter(|count| *count > 0)
}

/// Whether the packet carries a low-rate copy of the audio before it (in-band FEC).
#[must_use]
pub fn has_fec(payload: &[u8]) -> bool {
    let Some(length) = i32::try_from(payload.len()).ok().filter(|length| *length > 0) else { return false };
    // SAFETY: as in `samples`; malformed packets are answered by a negative code.
    let answer = unsafe { opusic_sys::opus_packet_has_lbrr(payload.as_ptr(), length) };
    answer > 0
}
