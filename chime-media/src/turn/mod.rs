//! A relay for clients whose networks let them speak to one port, or over TCP or TLS, only (TURN, RFC 8656).
//!
//! What it relays to is ourselves and nothing else: a datagram that a client sends through it goes to our own meetings
//! without leaving the process, as if it had come from the relayed address, and back the same way. So the relayed
//! address needs no socket, and nobody can reach a third party through us.
//!
//! ```text
//! client ─ Allocate, CreatePermission, ChannelBind ─► Relays::request ─► answers
//! client ─ ChannelData, Send indication ────────────► Relays::open    ─► (path of the relay, datagram) ─► a meeting
//! client ◄ ChannelData, Data indication ───────────── Relays::wrap    ◄─ what a meeting sends to that path
//! ```
//!
//! # Our choices
//!
//! - Credentials are for one attendee and a time, and are checked without being kept: see
//!   [`TurnService`]. A nonce is good for an hour and for one address, and is not kept either.
//! - Relayed addresses have our first candidate's IP address and a port of their own; they are names, not places.
//! - Only UDP is relayed (`REQUESTED-TRANSPORT` 17). Reserved ports and even ports are refused.
//! - Answers to those who have not shown that they know a password are bounded, as they are larger than the questions.

mod allocation;
mod message;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ring::hmac;
use rtc_stun::message::{METHOD_ALLOCATE, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH};

use crate::config::TurnService;
use crate::io::{Datagrams, Path, Via};
use crate::transport::dtls::Identity;
use allocation::{Allocation, Channel};
use message::{Answer, Refusal, Request};

/// What users are told that they log in to.
const REALM: &str = "chime";
/// How long a nonce is good for, in seconds.
const NONCE: u64 = 3600;
/// Lifetime of an allocation that asks for none, and the longest (RFC 8656 sections 3.2 and 7.2).
const LIFETIME: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(3600));
/// How long a permission lasts (RFC 8656 section 9).
const PERMISSION: Duration = Duration::from_secs(300);
/// How long a channel lasts (RFC 8656 section 12).
const CHANNEL: Duration = Duration::from_secs(600);
/// Allocations of one user: one for each interface and URI of two devices.
const MOST_OF_ONE: usize = 32;
/// Allocations in all.
const MOST: usize = 20_000;
/// Answers per second to those who have not shown a password.
const STRANGERS: u32 = 500;

/// The allocations of a relay.
pub struct Relays {
    service: TurnService,
    identity: Identity,
    /// Where media is taken: all that is relayed to.
    ours: Vec<SocketAddr>,
    next: u32,
    by_client: HashMap<Path, u32>,
    allocations: HashMap<u32, Allocation>,
    /// Answers to strangers in the second that began then.
    strangers: (Option<Instant>, u32),
}

impl fmt::Debug for Relays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relays").field("allocations", &self.allocations.len()).finish_non_exhaustive()
    }
}

/// Whether a datagram is for a relay: a TURN message, or channel data (RFC 7983).
#[must_use]
pub fn is_for_relay(datagram: &[u8]) -> bool {
    match datagram {
        [64..=79, ..] => true,
        // The method's bits of a STUN type; 1 is binding.
        [high @ 0..=3, low, ..] => (*high & 0x3e, *low & 0xef) != (0, 1),
        _ => false,
    }
}

impl Relays {
    /// A relay to these addresses of ours.
    #[must_use]
    pub fn new(service: TurnService, identity: Identity, ours: Vec<SocketAddr>) -> Self {
        Self {
            service,
            identity,
            ours,
            next: 0,
            by_client: HashMap::new(),
            allocations: HashMap::new(),
            strangers: (None, 0),
        }
    }

    /// Allocations that there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.allocations.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allocations.is_empty()
    }

    /// What a client sends through its allocation, and the path that it comes over.
    #[must_use]
    pub fn open<'a>(&self, now: Instant, from: Path, datagram: &'a [u8]) -> Option<(Path, Cow<'a, [u8]>)> {
        let number = *self.by_client.get(&from)?;
        let allocation = self.allocations.get(&number).filter(|allocation| allocation.ends > now)?;
        let (candidate, data) = match datagram {
            [64..=79, _, high, low, rest @ ..] => {
                let channel = u16::from_be_bytes([*datagram.first()?, *datagram.get(1)?]);
                let data = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
                (allocation.candidate_of(channel, now)?, Cow::Borrowed(data))
            }
            _ => {
                let (peer, data) = message::send_indication(datagram)?;
                allocation.permitted.filter(|until| *until > now)?;
                (self.candidate(peer)?, Cow::Owned(data))
            }
        };
        Some((Path { via: Via::Relay(number, candidate), address: allocation.relayed }, data))
    }

    /// Wraps what is sent to the client of an allocation from one of our candidates.
    pub fn wrap(&self, now: Instant, number: u32, candidate: u8, data: &[u8], out: &mut Datagrams) {
        let Some(allocation) = self.allocations.get(&number).filter(|allocation| allocation.ends > now)
        else {
            return;
        };
        let Ok(length) = u16::try_from(data.len()) else { return };
        if let Some(channel) = allocation.channel_to(candidate, now) {
            out.write(allocation.client, |bytes| {
                bytes.extend_from_slice(&channel.to_be_bytes());
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(data);
            });
        } else if let Some(peer) = self.ours.get(usize::from(candidate))
            && allocation.permitted.is_some_and(|until| until > now)
            && let Some(indication) = message::data_indication(*peer, data)
        {
            out.push(allocation.client, &indication);
        }
    }

    /// Answers a request. `wall` is in seconds since 1970.
    pub fn request(&mut self, now: Instant, wall: u64, from: Path, datagram: &[u8], out: &mut Datagrams) {
        let Some(mut request) = Request::parse(datagram) else { return };
        let key = match self.authenticate(wall, from, &mut request) {
            Ok(key) => key,
            Err(refusal) => {
                if self.may_answer_stranger(now) {
                    let nonce = self.nonce(wall, from);
                    let answer = Answer::refusal(&request, refusal).challenge(REALM, &nonce);
                    out.push(from, &answer.bytes());
                }
                return;
            }
        };
        let answer = match request.method() {
            METHOD_ALLOCATE => self.allocate(now, wall, from, &request),
            METHOD_REFRESH => self.refresh(now, from, &request),
            METHOD_CREATE_PERMISSION => self.permit(now, from, &request),
            METHOD_CHANNEL_BIND => self.bind(now, from, &request),
            _ => Err(Refusal::BadRequest),
        };
        let answer = answer.unwrap_or_else(|refusal| Answer::refusal(&request, refusal));
        out.push(from, &answer.signed(&key, self.identity.crypto()));
    }

    /// Forgets what has run out.
    pub fn expire(&mut self, now: Instant) {
        self.allocations.retain(|_, allocation| allocation.ends > now);
        let allocations = &self.allocations;
        self.by_client.retain(|_, number| allocations.contains_key(number));
    }

    /// A client's stream is gone, and its allocation with it.
    pub fn closed(&mut self, client: Path) {
        if let Some(number) = self.by_client.remove(&client) {
            self.allocations.remove(&number);
        }
    }

    fn candidate(&self, peer: SocketAddr) -> Option<u8> {
        self.ours.iter().position(|ours| *ours == peer).and_then(|place| u8::try_from(place).ok())
    }

    fn may_answer_stranger(&mut self, now: Instant) -> bool {
        let (since, count) = &mut self.strangers;
        if since.is_none_or(|since| now.saturating_duration_since(since) >= Duration::from_secs(1)) {
            (*since, *count) = (Some(now), 0);
        }
        *count += 1;
        *count <= STRANGERS
    }

    /// When it ends and a code over that and the client's address.
    fn nonce(&self, wall: u64, from: Path) -> String {
        self.nonce_until(wall.saturating_add(NONCE), from)
    }

    fn nonce_until(&self, until: u64, from: Path) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.service.secret);
        let tag = hmac::sign(&key, format!("nonce {until} {}", from.address).as_bytes());
        let code: String = tag.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{until:x}-{code}")
    }

    /// The key of the request's user, who has shown to know the password.
    fn authenticate(&self, wall: u64, from: Path, request: &mut Request) -> Result<Vec<u8>, Refusal> {
        let (Some(user), Some(nonce)) = (request.username(), request.nonce()) else {
            return Err(Refusal::Unauthorized);
        };
        let until = nonce.split('-').next().and_then(|until| u64::from_str_radix(until, 16).ok());
        let until = until.filter(|until| *until >= wall).ok_or(Refusal::StaleNonce)?;
        if nonce != self.nonce_until(until, from) {
            return Err(Refusal::StaleNonce);
        }
        let password = self.service.password(&user);
        let key =
            message::key(&user, REALM, &password, self.identity.crypto()).ok_or(Refusal::Unauthorized)?;
        if request.is_signed(&key, self.identity.crypto()) { Ok(key) } else { Err(Refusal::Unauthorized) }
    }

    fn allocate(
        &mut self,
        now: Instant,
        wall: u64,
        from: Path,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        self.expire(now);
        let user = request.username().unwrap_or_default();
        if let Some(allocation) = self.by_client.get(&from).and_then(|number| self.allocations.get(number)) {
            // The same request again: its answer was lost.
            if allocation.transaction == request.transaction() {
                return Ok(allocation.answer(request, now));
            }
            return Err(Refusal::Mismatch);
        }
        let until = user.split(':').next().and_then(|until| until.parse::<u64>().ok());
        if until.is_none_or(|until| until < wall) {
            return Err(Refusal::Unauthorized);
        }
        let ip = request.wanted_family(&self.ours)?;
        if self.allocations.len() >= MOST {
            return Err(Refusal::Full);
        }
        let of_one = |allocation: &&Allocation| name(&allocation.user) == name(&user);
        if self.allocations.values().filter(of_one).count() >= MOST_OF_ONE {
            return Err(Refusal::Quota);
        }
        self.next = self.next.wrapping_add(1);
        let number = self.next;
        // A name among those of our address; below 1024 nobody looks for clients.
        let port = u16::try_from(number % 64_000).unwrap_or_default() + 1024;
        let allocation = Allocation {
            client: from,
            user,
            transaction: request.transaction(),
            relayed: SocketAddr::new(ip, port),
            ends: now + request.lifetime().map_or(LIFETIME.0, |wanted| wanted.clamp(LIFETIME.0, LIFETIME.1)),
            permitted: None,
            channels: Vec::new(),
        };
        let answer = allocation.answer(request, now);
        self.allocations.insert(number, allocation);
        self.by_client.insert(from, number);
        Ok(answer)
    }

    fn of(&mut self, from: Path, request: &Request) -> Result<&mut Allocation, Refusal> {
        let number = self.by_client.get(&from).ok_or(Refusal::Mismatch)?;
        let allocation = self.allocations.get_mut(number).ok_or(Refusal::Mismatch)?;
        if request.username().as_ref() == Some(&allocation.user) {
            Ok(allocation)
        } else {
            Err(Refusal::WrongUser)
        }
    }

    fn refresh(&mut self, now: Instant, from: Path, request: &Request) -> Result<Answer, Refusal> {
        let allocation = self.of(from, request)?;
        let wanted = request.lifetime().unwrap_or(LIFETIME.0);
        if wanted.is_zero() {
            self.closed(from);
            return Ok(Answer::success(request).lifetime(Duration::ZERO));
        }
        let granted = wanted.clamp(LIFETIME.0, LIFETIME.1);
        allocation.ends = now + granted;
        Ok(Answer::success(request).lifetime(granted))
    }

    fn permit(&mut self, now: Instant, from: Path, request: &Request) -> Result<Answer, Refusal> {
        let peer = request.peer().ok_or(Refusal::BadRequest)?;
        if !self.ours.iter().any(|ours| ours.ip() == peer.ip()) {
            return Err(Refusal::Forbidden);
        }
        self.of(from, request)?.permitted = Some(now + PERMISSION);
        Ok(Answer::success(request))
    }

    fn bind(&mut self, now: Instant, from: Path, request: &Request) -> Result<Answer, Refusal> {
        let peer = request.peer().ok_or(Refusal::BadRequest)?;
        let number = request.channel().filter(|number| (0x4000..0x5000).contains(number));
        let number = number.ok_or(Refusal::BadRequest)?;
        let candidate = self.candidate(peer).ok_or(Refusal::Forbidden)?;
        let allocation = self.of(from, request)?;
        let (channels, ends) = (&mut allocation.channels, now + CHANNEL);
        channels.retain(|channel| channel.ends > now);
        match channels.iter_mut().find(|channel| channel.number == number || channel.candidate == candidate) {
            Some(known) if known.number == number && known.candidate == candidate => known.ends = ends,
            Some(_) => return Err(Refusal::BadRequest),
            None => channels.push(Channel { number, candidate, ends }),
        }
        allocation.permitted = Some(now + PERMISSION);
        Ok(Answer::success(request))
    }
}

/// Whose a user name is, which begins with the second until which it is good.
fn name(user: &str) -> &str {
    user.split_once(':').map_or(user, |(_, name)| name)
}
