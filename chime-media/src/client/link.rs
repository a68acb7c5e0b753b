//! The client's side of the transport: it makes the checks, begins the handshake, and has the keys after it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::answer::Answered;
use super::random::Random;
use crate::error::TransportError;
use crate::io::Datagrams;
use crate::rtp::packet::{Kind, kind};
use crate::transport::dtls::{Dtls, Identity};
use crate::transport::srtp::{self, Inbound, Outbound};
use crate::transport::{Credentials, stun};

/// Time between checks until one was answered, and after that (RFC 7675).
const CHECKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(4));

/// What has become of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    Nothing,
    Connected,
    Rtp,
    Rtcp,
}

pub(super) struct Link {
    identity: Identity,
    pub(super) ours: Credentials,
    theirs: Option<(Credentials, String, SocketAddr)>,
    checked: bool,
    next_check: Option<Instant>,
    dtls: Option<Dtls>,
    pub(super) srtp: Option<(Outbound, Inbound)>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("theirs", &self.theirs)
            .field("checked", &self.checked)
            .finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(identity: &Identity, random: &mut Random) -> Self {
        Self {
            identity: identity.clone(),
            ours: Credentials { ufrag: random.hex(8), password: random.hex(24) },
            theirs: None,
            checked: false,
            next_check: None,
            dtls: None,
            srtp: None,
        }
    }

    pub(super) fn fingerprint(&self) -> &str {
        self.identity.fingerprint()
    }

    /// The server's address, once it has answered an offer.
    pub(super) fn to(&self) -> Option<SocketAddr> {
        self.theirs.as_ref().map(|(.., to)| *to)
    }

    /// Takes what an answer says; later ones of the same connection say the same.
    pub(super) fn answered(&mut self, now: Instant, answer: &Answered) {
        if self.theirs.is_none()
            && let Some(to) = answer.candidate
        {
            self.theirs = Some((answer.credentials.clone(), answer.fingerprint.clone(), to));
            self.next_check = Some(now);
        }
    }

    pub(super) fn handle(
        &mut self,
        now: Instant,
        datagram: &[u8],
        out: &mut Datagrams,
    ) -> Result<Came, TransportError> {
        match kind(datagram) {
            Some(Kind::Stun) => {
                if stun::mapped(datagram).is_some() && !self.checked {
                    self.checked = true;
                    self.next_check = Some(now + CHECKS.1);
                    self.shake(now, out)?;
                }
                Ok(Came::Nothing)
            }
            Some(Kind::Dtls) => {
                let Some(dtls) = &mut self.dtls else { return Ok(Came::Nothing) };
                let result = dtls.handle(now, datagram);
                self.flush(out);
                let Some((profile, keys)) = result? else { return Ok(Came::Nothing) };
                self.srtp = Some(srtp::open(profile, &keys)?);
                Ok(Came::Connected)
            }
            Some(Kind::Rtp) if self.srtp.is_some() => Ok(Came::Rtp),
            Some(Kind::Rtcp) if self.srtp.is_some() => Ok(Came::Rtcp),
            _ => Ok(Came::Nothing),
        }
    }

    fn shake(&mut self, now: Instant, out: &mut Datagrams) -> Result<(), TransportError> {
        if let Some((_, fingerprint, _)) = self.theirs.as_ref().filter(|_| self.dtls.is_none()) {
            self.dtls = Some(Dtls::connect(&self.identity, fingerprint, now)?);
            self.flush(out);
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Datagrams) {
        let (Some(dtls), Some((.., to))) = (&mut self.dtls, &self.theirs) else { return };
        while let Some(datagram) = dtls.poll_transmit() {
            out.push(*to, &datagram);
        }
    }

    pub(super) fn timeout(&mut self, now: Instant, random: &mut Random, out: &mut Datagrams) {
        if self.next_check.is_some_and(|at| now >= at) {
            self.next_check = Some(now + if self.checked { CHECKS.1 } else { CHECKS.0 });
            self.check(random, out);
        }
        if let Some(dtls) = &mut self.dtls {
            // A handshake that has failed shows in that nothing is connected.
            let _failed = dtls.handle_timeout(now);
            self.flush(out);
        }
    }

    fn check(&self, random: &mut Random, out: &mut Datagrams) {
        let Some((theirs, _, to)) = &self.theirs else { return };
        let mut transaction = [0; 12];
        random.fill(&mut transaction);
        let username = format!("{}:{}", theirs.ufrag, self.ours.ufrag);
        if let Ok(check) = stun::request(&username, &theirs.password, transaction, self.identity.crypto()) {
            out.push(*to, &check);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls.as_ref().and_then(Dtls::poll_timeout);
        [self.next_check, dtls].into_iter().flatten().min()
    }

    pub(super) fn close(&mut self, now: Instant, out: &mut Datagrams) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close(now);
        }
        self.flush(out);
        self.next_check = None;
        self.srtp = None;
    }
}
