//! What can go wrong with a peer.

/// Why something of a transport failed. None of these harms other peers.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportError {
    /// The crypto provider cannot do what is needed.
    #[error("crypto: {0}")]
    Crypto(String),
    /// The handshake failed, or a datagram is none of it.
    #[error("dtls: {0}")]
    Dtls(String),
    /// The certificate is not the one of the signaling.
    #[error("the certificate is not the one that was announced")]
    Fingerprint,
    /// The packet is too short, not for us, a repetition, or was tampered with.
    #[error("srtp: {0}")]
    Srtp(&'static str),
}

/// Why an offer cannot be answered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferError {
    /// It is no session description.
    #[error("not a session description: {0}")]
    Syntax(String),
    /// It is larger than [`MAX_OFFER`](crate::sdp::MAX_OFFER).
    #[error("the offer has {0} bytes")]
    TooLarge(usize),
    /// Something that every offer of a browser has is missing.
    #[error("the offer has no {0}")]
    Missing(&'static str),
    /// It asks for something no browser asks for.
    #[error("the offer has {0}")]
    Unsupported(&'static str),
}
