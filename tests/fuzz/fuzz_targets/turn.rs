//! The relay: a stranger allocates nothing and is answered nowhere else; whoever has a password reaches nothing but ours.
#![no_main]

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chime_media::config::TurnService;
use chime_media::io::{Datagrams, Path, Via};
use chime_media::transport::dtls::Identity;
use chime_media::turn::Relays;
use libfuzzer_sys::fuzz_target;
use rtc_stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_REQUEST, METHOD_ALLOCATE, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH, Message,
    MessageType, Setter as _,
};

const WALL: u64 = 1_700_000_000;
const REALM: &str = "chime";

struct Site {
    relays: Relays,
    user: String,
    password: String,
    nonce: String,
    now: Instant,
    inputs: u32,
}

fn ours() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 3478))
}

fn client(last: u8) -> Path {
    SocketAddr::from(([198, 51, 100, last], 40_000)).into()
}

impl Site {
    #[allow(clippy::disallowed_methods, reason = "time has to begin somewhere")]
    fn new() -> Self {
        let service = TurnService { uris: Vec::new(), ttl: Duration::from_secs(3600), secret: [7; 32] };
        let (user, password) = service.credentials("someone", WALL);
        let relays = Relays::new(service, Identity::generate().expect("an identity"), vec![ours()]);
        let mut site = Self { relays, user, password, nonce: String::new(), now: Instant::now(), inputs: 0 };
        let mut message = Message::new();
        message.set_type(MessageType::new(METHOD_ALLOCATE, CLASS_REQUEST));
        message.encode();
        let answer = site.ask(client(1), &message.raw);
        let mut told = Message::new();
        told.unmarshal_binary(&answer).expect("an answer");
        site.nonce = String::from_utf8(told.get(ATTR_NONCE).expect("a nonce")).expect("a text");
        site
    }

    /// What is answered, which is to whom it came from and no one else.
    fn ask(&mut self, from: Path, datagram: &[u8]) -> Vec<u8> {
        let mut out = Datagrams::default();
        self.relays.request(self.now, WALL, from, datagram, &mut out);
        assert!(out.iter().all(|(to, _)| to == from), "another was answered");
        out.iter().next().map(|(_, bytes)| bytes.to_vec()).unwrap_or_default()
    }

    fn opened(&self, from: Path, datagram: &[u8]) {
        if let Some((path, data)) = self.relays.open(self.now, from, datagram) {
            assert!(matches!(path.via, Via::Relay(..)), "it comes out of the relay");
            assert!(data.len() <= datagram.len(), "nothing is added");
        }
    }

    /// A request with these attributes, by somebody who knows the password.
    fn signed(&mut self, from: Path, what: u8, mut attributes: &[u8]) {
        let methods = [METHOD_ALLOCATE, METHOD_REFRESH, METHOD_CREATE_PERMISSION, METHOD_CHANNEL_BIND];
        let mut message = Message::new();
        message.transaction_id.0 = [what; 12];
        message.set_type(MessageType::new(methods[usize::from(what % 4)], CLASS_REQUEST));
        message.encode();
        if what & 4 != 0 {
            message.add(rtc_stun::attributes::ATTR_REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
        }
        while let Some(([kind, length], rest)) = attributes.split_first_chunk() {
            let (value, rest) = rest.split_at(rest.len().min(usize::from(*length)));
            // Those that the relay knows are all below 0x40 and from 0x8000 on.
            let kind = u16::from(kind & 0x3f) | if kind & 0x40 != 0 { 0x8000 } else { 0 };
            message.add(rtc_stun::attributes::AttrType(kind), value);
            attributes = rest;
        }
        message.add(ATTR_USERNAME, self.user.as_bytes());
        message.add(ATTR_REALM, REALM.as_bytes());
        message.add(ATTR_NONCE, self.nonce.as_bytes());
        let provider = rtc_crypto::default_provider().expect("crypto");
        let (user, realm, password) = (self.user.clone(), REALM.to_owned(), self.password.clone());
        let key = MessageIntegrity::long_term_integrity_key(user, realm, password, provider.crypto());
        let integrity =
            MessageIntegrity::new_raw_integrity_with_provider(key.expect("a key"), provider.crypto());
        if integrity.add_to(&mut message).is_ok() {
            let raw = message.raw.clone();
            self.ask(from, &raw);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    thread_local!(static SITE: RefCell<Site> = RefCell::new(Site::new()));
    SITE.with_borrow_mut(|site| {
        let before = site.relays.len();
        site.ask(client(9), data);
        site.opened(client(9), data);
        assert_eq!(site.relays.len(), before, "a stranger has changed something");
        let mut rest = data;
        while let Some(([what, length], after)) = rest.split_first_chunk() {
            let (bytes, after) = after.split_at(after.len().min(usize::from(*length)));
            rest = after;
            let from = client(1 + what % 3);
            match what >> 6 {
                0 | 1 => site.signed(from, what >> 2, bytes),
                2 => {
                    site.ask(from, bytes);
                    site.opened(from, bytes);
                }
                _ => {
                    let mut out = Datagrams::default();
                    site.relays.wrap(site.now, u32::from(*what), 0, bytes, &mut out);
                    site.now += Duration::from_secs(u64::from(*length));
                    site.relays.expire(site.now);
                }
            }
            assert!(site.relays.len() <= 96, "a user has more allocations than it may");
        }
        site.inputs += 1;
        // A nonce is good for an hour.
        if site.inputs == 500 {
            *site = Site::new();
        }
    });
});
