//! A client's way through the relay.

use super::*;
use rtc_stun::attributes::*;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_INDICATION, CLASS_REQUEST, METHOD_BINDING, METHOD_SEND, Message, MessageType, Method, Setter as _,
};
use rtc_stun::xoraddr::XorMappedAddress;

const WALL: u64 = 1_700_000_000;

struct Client {
    relays: Relays,
    path: Path,
    now: Instant,
    user: String,
    password: String,
    nonce: String,
    transaction: u8,
}

fn ours() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 3478))
}

impl Client {
    fn new() -> Self {
        let service = TurnService { uris: Vec::new(), ttl: Duration::from_secs(60), secret: [7; 32] };
        let (user, password) = service.credentials("someone", WALL);
        let relays = Relays::new(service, Identity::generate().unwrap(), vec![ours()]);
        let path = SocketAddr::from(([198, 51, 100, 7], 40_000)).into();
        let (now, nonce) = (crate::testing::start(), String::new());
        Self { relays, path, now, user, password, nonce, transaction: 0 }
    }

    fn message(&mut self, method: Method, class: rtc_stun::message::MessageClass) -> Message {
        self.transaction += 1;
        let mut message = Message::new();
        message.transaction_id.0 = [self.transaction; 12];
        message.set_type(MessageType::new(method, class));
        message.encode();
        message
    }

    /// The answer's error code, 0 for success, and the answer.
    fn ask(&mut self, mut message: Message) -> (u16, Message) {
        if !self.nonce.is_empty() {
            message.add(ATTR_USERNAME, self.user.as_bytes());
            message.add(ATTR_REALM, REALM.as_bytes());
            message.add(ATTR_NONCE, self.nonce.as_bytes());
            let crypto = self.relays.identity.crypto();
            let key = message::key(&self.user, REALM, &self.password, crypto).unwrap();
            MessageIntegrity::new_raw_integrity_with_provider(key, crypto).add_to(&mut message).unwrap();
        }
        let mut out = Datagrams::default();
        self.relays.request(self.now, WALL, self.path, &message.raw, &mut out);
        let (to, bytes) = out.iter().next().expect("an answer");
        assert_eq!(to, self.path);
        let mut answer = Message::new();
        answer.unmarshal_binary(bytes).unwrap();
        let code =
            answer.get(ATTR_ERROR_CODE).map_or(0, |value| u16::from(value[2]) * 100 + u16::from(value[3]));
        (code, answer)
    }

    fn allocate(&mut self) -> (u16, Message) {
        let mut message = self.message(METHOD_ALLOCATE, CLASS_REQUEST);
        message.add(ATTR_REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        self.ask(message)
    }

    fn log_in(&mut self) {
        let (code, answer) = self.allocate();
        assert_eq!(code, 401);
        self.nonce = String::from_utf8(answer.get(ATTR_NONCE).unwrap()).unwrap();
    }

    fn permit(&mut self, peer: SocketAddr) -> u16 {
        let mut message = self.message(METHOD_CREATE_PERMISSION, CLASS_REQUEST);
        xor(peer).add_to_as(&mut message, ATTR_XOR_PEER_ADDRESS).unwrap();
        self.ask(message).0
    }

    fn bind(&mut self, number: u16, peer: SocketAddr) -> u16 {
        let mut message = self.message(METHOD_CHANNEL_BIND, CLASS_REQUEST);
        let [high, low] = number.to_be_bytes();
        message.add(ATTR_CHANNEL_NUMBER, &[high, low, 0, 0]);
        xor(peer).add_to_as(&mut message, ATTR_XOR_PEER_ADDRESS).unwrap();
        self.ask(message).0
    }

    fn send(&mut self, peer: SocketAddr, data: &[u8]) -> Option<(Path, Vec<u8>)> {
        let mut message = self.message(METHOD_SEND, CLASS_INDICATION);
        xor(peer).add_to_as(&mut message, ATTR_XOR_PEER_ADDRESS).unwrap();
        message.add(ATTR_DATA, data);
        self.open(&message.raw)
    }

    fn open(&self, datagram: &[u8]) -> Option<(Path, Vec<u8>)> {
        let (path, data) = self.relays.open(self.now, self.path, datagram)?;
        Some((path, data.into_owned()))
    }
}

fn xor(address: SocketAddr) -> XorMappedAddress {
    XorMappedAddress { ip: address.ip(), port: address.port() }
}

#[test]
fn a_client_reaches_our_media_through_the_relay_and_is_reached() {
    let mut client = Client::new();
    client.log_in();
    let (code, answer) = client.allocate();
    assert_eq!(code, 0);
    let mut relayed = XorMappedAddress::default();
    relayed.get_from_as(&answer, ATTR_XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(relayed.ip, ours().ip());
    assert_eq!(client.send(ours(), b"early"), None, "before a permission");
    assert_eq!(client.permit(ours()), 0);
    let (path, data) = client.send(ours(), b"hello").unwrap();
    assert_eq!(data, b"hello");
    assert_eq!(path.address, SocketAddr::new(relayed.ip, relayed.port));
    let Via::Relay(number, candidate) = path.via else { panic!("{path:?}") };
    let mut out = Datagrams::default();
    client.relays.wrap(client.now, number, candidate, b"back", &mut out);
    let (to, bytes) = out.iter().next().map(|(to, bytes)| (to, bytes.to_vec())).unwrap();
    assert_eq!((to, message::tests_data(&bytes)), (client.path, Some((ours(), b"back".to_vec()))));

    assert_eq!(client.bind(0x4001, ours()), 0);
    out.clear();
    client.relays.wrap(client.now, number, candidate, b"back", &mut out);
    assert_eq!(out.iter().next().unwrap().1, b"\x40\x01\x00\x04back");
    assert_eq!(client.open(b"\x40\x01\x00\x02hi"), Some((path, b"hi".to_vec())));
    assert_eq!(client.open(b"\x40\x02\x00\x02hi"), None, "a channel that is not bound");
    assert_eq!(client.open(b"\x40\x01\x00\x09hi"), None, "a length beyond the end");
}

#[test]
fn nothing_but_our_own_media_ports_is_relayed_to() {
    let mut client = Client::new();
    client.log_in();
    client.allocate();
    let elsewhere = SocketAddr::from(([203, 0, 113, 1], 53));
    assert_eq!(client.permit(elsewhere), 403);
    assert_eq!(client.bind(0x4001, elsewhere), 403);
    assert_eq!(client.permit(ours()), 0);
    let other_port = SocketAddr::new(ours().ip(), 22);
    assert_eq!(client.bind(0x4001, other_port), 403);
    assert_eq!(client.send(elsewhere, b"x"), None);
    assert_eq!(client.send(other_port, b"x"), None);
}

#[test]
fn only_credentials_that_are_good_and_not_over_make_an_allocation() {
    let mut client = Client::new();
    client.log_in();
    client.password.push('x');
    assert_eq!(client.allocate().0, 401);
    client.password.pop();
    let path = client.path;
    client.path = SocketAddr::from(([198, 51, 100, 8], 1)).into();
    assert_eq!(client.allocate().0, 438, "the nonce of another address");
    client.path = path;
    let service = client.relays.service.clone();
    (client.user, client.password) = service.credentials("someone", WALL - 61);
    assert_eq!(client.allocate().0, 401, "credentials that have run out");
    (client.user, client.password) = service.credentials("someone", WALL);
    assert_eq!(client.allocate().0, 0);
    assert_eq!(client.allocate().0, 437, "it has one");
    (client.user, client.password) = service.credentials("other", WALL);
    assert_eq!(client.permit(ours()), 441, "another's");
}

#[test]
fn an_allocation_ends_with_its_time_its_client_or_when_told_to() {
    let mut client = Client::new();
    client.log_in();
    client.allocate();
    assert_eq!(client.bind(0x4000, ours()), 0);
    client.now += Duration::from_secs(599);
    assert!(client.open(b"\x40\x00\x00\x01x").is_some());
    client.now += Duration::from_secs(2);
    assert!(client.open(b"\x40\x00\x00\x01x").is_none());
    client.relays.expire(client.now);
    assert!(client.relays.is_empty() && client.relays.by_client.is_empty());

    assert_eq!(client.allocate().0, 0);
    let mut message = client.message(METHOD_REFRESH, CLASS_REQUEST);
    message.add(ATTR_LIFETIME, &[0; 4]);
    assert_eq!(client.ask(message).0, 0);
    assert!(client.relays.is_empty());
    assert_eq!(client.allocate().0, 0);
    client.relays.closed(client.path);
    assert!(client.relays.is_empty());
}

#[test]
fn strangers_get_a_bounded_number_of_answers() {
    let mut client = Client::new();
    let mut out = Datagrams::default();
    for _ in 0..2 * STRANGERS {
        let mut message = client.message(METHOD_ALLOCATE, CLASS_REQUEST);
        client.transaction %= 200;
        message.add(ATTR_REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        client.relays.request(client.now, WALL, client.path, &message.raw, &mut out);
    }
    assert_eq!(out.len(), usize::try_from(STRANGERS).unwrap());
    assert!(out.iter().all(|(_, bytes)| bytes.len() <= 84), "{}", out.last_len());
}

#[test]
fn a_relays_messages_are_told_from_checks_and_media() {
    let mut client = Client::new();
    let mut raw = |method, class| client.message(method, class).raw;
    assert!(is_for_relay(&raw(METHOD_ALLOCATE, CLASS_REQUEST)));
    assert!(is_for_relay(&raw(METHOD_SEND, CLASS_INDICATION)));
    assert!(is_for_relay(&[0x40, 1, 0, 0]));
    assert!(!is_for_relay(&raw(METHOD_BINDING, CLASS_REQUEST)));
    assert!(!is_for_relay(&raw(METHOD_BINDING, rtc_stun::message::CLASS_SUCCESS_RESPONSE)));
    assert!(!is_for_relay(&[0x80, 111]) && !is_for_relay(&[22, 254]) && !is_for_relay(&[]));
}

#[test]
fn a_name_has_so_many_allocations_and_no_more_with_newer_passwords() {
    let mut client = Client::new();
    for number in 0..MOST_OF_ONE + 1 {
        let wall = WALL + u64::try_from(number).unwrap();
        (client.user, client.password) = client.relays.service.credentials("someone", wall);
        client.path = SocketAddr::from(([198, 51, 100, 7], 41_000 + u16::try_from(number).unwrap())).into();
        client.nonce.clear();
        client.log_in();
        assert_eq!(client.allocate().0, if number < MOST_OF_ONE { 0 } else { 486 }, "allocation {number}");
    }
    (client.user, client.password) = client.relays.service.credentials("another", WALL);
    assert_eq!(client.allocate().0, 0);
}
