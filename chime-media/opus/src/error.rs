use std::ffi::c_int;

/// What libopus answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A length or a setting that Opus does not have.
    #[error("argument out of range")]
    Argument,
    /// The output buffer is too small for what was asked.
    #[error("output buffer too small")]
    Buffer,
    /// The payload is no Opus packet.
    #[error("malformed packet")]
    Packet,
    /// Any other code of libopus.
    #[error("libopus failed with {0}")]
    Internal(i32),
}

/// A count on success, the error otherwise.
pub(crate) fn check(code: c_int) -> Result<usize, Error> {
    match usize::try_from(code) {
        Ok(count) => Ok(count),
        Err(_) => Err(match code {
            opusic_sys::OPUS_BAD_ARG => Error::Argument,
            opusic_sys::OPUS_BUFFER_TOO_SMALL => Error::Buffer,
            opusic_sys::OPUS_INVALID_PACKET => Error::Packet,
            other => Error::Internal(other),
        }),
    }
}
