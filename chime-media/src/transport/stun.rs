//! STUN binding as an ICE-lite agent needs it (RFC 8445 section 7.3, RFC 8489): a check is authenticated, and answered
//! with the address it came from.

use std::net::SocketAddr;

use rtc_crypto::RTCCrypto;
use rtc_stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Getter as _, Message, Setter as _};
use rtc_stun::textattrs::TextAttribute;
use rtc_stun::xoraddr::XorMappedAddress;

/// A binding request whose user name was read and whose integrity was not looked at yet.
#[derive(Debug)]
pub struct Check {
    message: Message,
    username: String,
}

impl Check {
    /// Reads a datagram as a binding request with a fingerprint; `None` for whatever else.
    #[must_use]
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let mut message = Message::new();
        message.unmarshal_binary(datagram).ok()?;
        if message.typ != BINDING_REQUEST {
            return None;
        }
        FINGERPRINT.check(&message).ok()?;
        let username = TextAttribute::get_from_as(&message, ATTR_USERNAME).ok()?.text;
        Some(Self { message, username })
    }

    /// The part of the user name before the colon: the user fragment of whom the check is for.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        self.username.split(':').next().unwrap_or_default()
    }

    /// Whether the controlling side nominates this pair.
    #[must_use]
    pub fn nominates(&self) -> bool {
        self.message.contains(ATTR_USE_CANDIDATE)
    }

    /// The answer to `from`, if the check was made with this password.
    pub fn answer(&mut self, password: &str, from: SocketAddr, crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
        MessageIntegrity::check(&mut self.message, password.as_bytes(), crypto).ok()?;
        let mut answer = Message::new();
        answer.transaction_id = self.message.transaction_id;
        answer.set_type(BINDING_SUCCESS);
        answer.encode();
        XorMappedAddress { ip: from.ip(), port: from.port() }.add_to(&mut answer).ok()?;
        MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto)
            .add_to(&mut answer)
            .ok()?;
        FINGERPRINT.add_to(&mut answer).ok()?;
        Some(answer.raw)
    }
}

/// Whether the first byte of a datagram is that of STUN (RFC 7983).
#[must_use]
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// A binding request as a controlling agent sends it, for tests and load.
///
/// # Errors
///
/// Only if the crypto provider has no HMAC-SHA1.
pub fn request(
    username: &str,
    password: &str,
    transaction: [u8; 12],
    crypto: &dyn RTCCrypto,
) -> Result<Vec<u8>, rtc_shared::error::Error> {
    let mut message = Message::new();
    message.transaction_id.0 = transaction;
    message.set_type(BINDING_REQUEST);
    message.encode();
    TextAttribute::new(ATTR_USERNAME, username.to_owned()).add_to(&mut message)?;
    message.add(ATTR_USE_CANDIDATE, &[]);
    MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), crypto)
        .add_to(&mut message)?;
    FINGERPRINT.add_to(&mut message)?;
    Ok(message.raw)
}

/// The address a success response reports, for tests and load.
#[must_use]
pub fn mapped(datagram: &[u8]) -> Option<SocketAddr> {
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    let mut address = XorMappedAddress::default();
    address.get_from(&message).ok()?;
    (message.typ == BINDING_SUCCESS).then(|| SocketAddr::new(address.ip, address.port))
}
