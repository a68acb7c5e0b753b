//! TURN messages, read and written.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtc_crypto::RTCCrypto;
use rtc_stun::attributes::{
    ATTR_CHANNEL_NUMBER, ATTR_DATA, ATTR_EVEN_PORT, ATTR_LIFETIME, ATTR_NONCE, ATTR_REALM,
    ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_REQUESTED_TRANSPORT, ATTR_RESERVATION_TOKEN, ATTR_USERNAME,
    ATTR_XOR_PEER_ADDRESS, ATTR_XOR_RELAYED_ADDRESS,
};
use rtc_stun::error_code::{ErrorCode, ErrorCodeAttribute};
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, METHOD_DATA, METHOD_SEND,
    Message, MessageClass, MessageType, Method, Setter as _, TransactionId,
};
use rtc_stun::textattrs::TextAttribute;
use rtc_stun::xoraddr::XorMappedAddress;

/// UDP, as `REQUESTED-TRANSPORT` names it.
const UDP: u8 = 17;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    BadRequest,
    Unauthorized,
    Forbidden,
    Mismatch,
    StaleNonce,
    Family,
    WrongUser,
    Transport,
    Quota,
    Full,
}

impl Refusal {
    const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::Mismatch => 437,
            Self::StaleNonce => 438,
            Self::Family => 440,
            Self::WrongUser => 441,
            Self::Transport => 442,
            Self::Quota => 486,
            Self::Full => 508,
        }
    }
}

/// A request.
pub(super) struct Request(Message);

impl Request {
    pub(super) fn parse(datagram: &[u8]) -> Option<Self> {
        let message = parse(datagram)?;
        (message.typ.class == CLASS_REQUEST).then_some(Self(message))
    }

    pub(super) fn method(&self) -> Method {
        self.0.typ.method
    }

    pub(super) fn transaction(&self) -> [u8; 12] {
        self.0.transaction_id.0
    }

    pub(super) fn username(&self) -> Option<String> {
        TextAttribute::get_from_as(&self.0, ATTR_USERNAME).ok().map(|value| value.text)
    }

    pub(super) fn nonce(&self) -> Option<String> {
        TextAttribute::get_from_as(&self.0, ATTR_NONCE).ok().map(|value| value.text)
    }

    pub(super) fn is_signed(&mut self, key: &[u8], crypto: &dyn RTCCrypto) -> bool {
        MessageIntegrity::check(&mut self.0, key, crypto).is_ok()
    }

    pub(super) fn lifetime(&self) -> Option<Duration> {
        let value: [u8; 4] = self.0.get(ATTR_LIFETIME).ok()?.try_into().ok()?;
        Some(Duration::from_secs(u32::from_be_bytes(value).into()))
    }

    pub(super) fn channel(&self) -> Option<u16> {
        match *self.0.get(ATTR_CHANNEL_NUMBER).ok()? {
            [high, low, ..] => Some(u16::from_be_bytes([high, low])),
            _ => None,
        }
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        peer(&self.0)
    }

    /// The IP address of ours that is of the family asked for, if an allocation such as this can be made at all.
    pub(super) fn wanted_family(&self, ours: &[SocketAddr]) -> Result<IpAddr, Refusal> {
        match self.0.get(ATTR_REQUESTED_TRANSPORT).as_deref() {
            Ok([UDP, ..]) => {}
            Ok(_) => return Err(Refusal::Transport),
            Err(_) => return Err(Refusal::BadRequest),
        }
        if self.0.contains(ATTR_EVEN_PORT) || self.0.contains(ATTR_RESERVATION_TOKEN) {
            return Err(Refusal::Full);
        }
        let six = matches!(self.0.get(ATTR_REQUESTED_ADDRESS_FAMILY).as_deref(), Ok([2, ..]));
        let ours = ours.iter().map(SocketAddr::ip).find(|ip| ip.is_ipv6() == six);
        ours.ok_or(Refusal::Family)
    }
}

/// An answer in the making.
pub(super) struct Answer(Message);

impl Answer {
    pub(super) fn success(request: &Request) -> Self {
        Self(begin(request.method(), CLASS_SUCCESS_RESPONSE, request.0.transaction_id))
    }

    pub(super) fn refusal(request: &Request, refusal: Refusal) -> Self {
        let mut message = begin(request.method(), CLASS_ERROR_RESPONSE, request.0.transaction_id);
        let error = ErrorCodeAttribute { code: ErrorCode(refusal.code()), reason: Vec::new() };
        // An error without a reason is never too long.
        let _fits = error.add_to(&mut message);
        Self(message)
    }

    pub(super) fn challenge(mut self, realm: &str, nonce: &str) -> Self {
        self.0.add(ATTR_REALM, realm.as_bytes());
        self.0.add(ATTR_NONCE, nonce.as_bytes());
        self
    }

    pub(super) fn relayed(mut self, address: SocketAddr) -> Self {
        let _always = xor(address).add_to_as(&mut self.0, ATTR_XOR_RELAYED_ADDRESS);
        self
    }

    pub(super) fn mapped(mut self, address: SocketAddr) -> Self {
        let _always = xor(address).add_to(&mut self.0);
        self
    }

    pub(super) fn lifetime(mut self, lifetime: Duration) -> Self {
        let seconds = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        self.0.add(ATTR_LIFETIME, &seconds.to_be_bytes());
        self
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.raw
    }

    /// With the code that shows that the relay knows the password, too.
    pub(super) fn signed(mut self, key: &[u8], crypto: &dyn RTCCrypto) -> Vec<u8> {
        let _always = MessageIntegrity::new_raw_integrity_with_provider(key, crypto).add_to(&mut self.0);
        self.0.raw
    }
}

/// The key of a user (RFC 8489 section 9.2.2).
pub(super) fn key(user: &str, realm: &str, password: &str, crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
    let (user, realm, password) = (user.to_owned(), realm.to_owned(), password.to_owned());
    MessageIntegrity::long_term_integrity_key(user, realm, password, crypto).ok()
}

/// Whom a Send indication is for, and what is in it.
pub(super) fn send_indication(datagram: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
    let message = parse(datagram)?;
    if (message.typ.method, message.typ.class) != (METHOD_SEND, CLASS_INDICATION) {
        return None;
    }
    Some((peer(&message)?, message.get(ATTR_DATA).ok()?))
}

pub(super) fn data_indication(peer: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
    let mut transaction = TransactionId::default();
    // An indication is not answered: its number only has to look like one.
    transaction.0.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
    let mut message = begin(METHOD_DATA, CLASS_INDICATION, transaction);
    xor(peer).add_to_as(&mut message, ATTR_XOR_PEER_ADDRESS).ok()?;
    message.add(ATTR_DATA, data);
    Some(message.raw)
}

fn parse(datagram: &[u8]) -> Option<Message> {
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    Some(message)
}

fn begin(method: Method, class: MessageClass, transaction: TransactionId) -> Message {
    let mut message = Message::new();
    message.transaction_id = transaction;
    message.set_type(MessageType::new(method, class));
    message.encode();
    message
}

fn peer(message: &Message) -> Option<SocketAddr> {
    let mut peer = XorMappedAddress::default();
    peer.get_from_as(message, ATTR_XOR_PEER_ADDRESS).ok()?;
    Some(SocketAddr::new(peer.ip, peer.port))
}

fn xor(address: SocketAddr) -> XorMappedAddress {
    XorMappedAddress { ip: address.ip(), port: address.port() }
}

/// Whom a Data indication is from, and what is in it.
#[cfg(test)]
pub(super) fn tests_data(datagram: &[u8]) -> Option<(SocketAddr, Vec<u8>)> {
    let message = parse(datagram)?;
    let data = message.get(ATTR_DATA).ok()?;
    ((message.typ.method, message.typ.class) == (METHOD_DATA, CLASS_INDICATION)).then_some(())?;
    Some((peer(&message)?, data))
}
