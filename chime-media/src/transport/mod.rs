//! How packets come from a peer and go to it: ICE-lite (RFC 8445), DTLS, SRTP, over whatever carries datagrams.
//!
//! # Our choices
//!
//! - The agent is lite: it answers checks and sends none. The pair in use is the one nominated last; a path counts
//!   only after a check over it was authenticated, so nobody else's packets are even looked at.
//! - A peer that makes no check for 30 seconds is gone (RFC 7675).

pub mod dtls;
mod few;
pub mod srtp;
pub mod stun;

use std::time::{Duration, Instant};

use crate::error::TransportError;
use crate::io::{Datagrams, Path};
use crate::rtp::packet::{Kind, kind};
use dtls::{Dtls, Identity};
use srtp::{Inbound, Outbound};
use stun::Check;

/// How long a peer may make no check (RFC 7675 section 5.1).
pub const CONSENT: Duration = Duration::from_secs(30);
/// Paths of one peer that are remembered.
const MOST_PATHS: usize = 16;

/// User fragment and password of one side (RFC 8445 section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User fragment, 4 to 256 characters.
    pub ufrag: String,
    /// Password, 22 to 256 characters.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// What has become of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// It was of the transport itself, or nothing.
    Nothing,
    /// The handshake is through: media flows from here on.
    Connected,
    /// An RTP packet, still protected.
    Rtp,
    /// An RTCP packet, still protected.
    Rtcp,
}

/// The transport of one peer.
#[derive(Debug)]
pub struct Transport {
    identity: Identity,
    credentials: Credentials,
    dtls: Dtls,
    paths: Vec<Path>,
    selected: Option<Path>,
    last_check: Instant,
    srtp: Option<(Outbound, Inbound)>,
}

impl Transport {
    /// Waits for a peer whose certificate has this fingerprint.
    ///
    /// # Errors
    ///
    /// [`TransportError::Dtls`].
    pub fn new(
        identity: &Identity,
        credentials: Credentials,
        fingerprint: &str,
        now: Instant,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            identity: identity.clone(),
            credentials,
            dtls: Dtls::accept(identity, fingerprint)?,
            paths: Vec::new(),
            selected: None,
            last_check: now,
            srtp: None,
        })
    }

    /// Our side's credentials.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Takes a datagram from `from`.
    ///
    /// # Errors
    ///
    /// [`TransportError`]; the transport goes on unless [`Self::is_over`].
    pub fn handle(
        &mut self,
        now: Instant,
        from: Path,
        datagram: &[u8],
        out: &mut Datagrams,
    ) -> Result<Received, TransportError> {
        let Some(kind) = kind(datagram) else { return Ok(Received::Nothing) };
        if kind == Kind::Stun {
            self.check(now, from, datagram, out);
            return Ok(Received::Nothing);
        }
        // Nearly all come over the path in use.
        if self.selected != Some(from) && !self.paths.contains(&from) {
            return Ok(Received::Nothing);
        }
        match kind {
            Kind::Dtls => {
                let result = self.dtls.handle(now, datagram);
                self.flush(out);
                let Some((profile, keys)) = result? else { return Ok(Received::Nothing) };
                self.srtp = Some(srtp::open(profile, &keys)?);
                Ok(Received::Connected)
            }
            Kind::Rtp if self.srtp.is_some() => Ok(Received::Rtp),
            Kind::Rtcp if self.srtp.is_some() => Ok(Received::Rtcp),
            _ => Ok(Received::Nothing),
        }
    }

    fn check(&mut self, now: Instant, from: Path, datagram: &[u8], out: &mut Datagrams) {
        let Some(mut check) = Check::parse(datagram) else { return };
        if check.ufrag() != self.credentials.ufrag {
            return;
        }
        let Some(answer) = check.answer(&self.credentials.password, from.address, self.identity.crypto())
        else {
            return;
        };
        self.last_check = now;
        if !self.paths.contains(&from) {
            if self.paths.len() >= MOST_PATHS {
                self.paths.remove(0);
            }
            self.paths.push(from);
        }
        if check.nominates() || self.selected.is_none() {
            self.selected = Some(from);
        }
        out.push(from, &answer);
    }

    fn flush(&mut self, out: &mut Datagrams) {
        while let Some(datagram) = self.dtls.poll_transmit() {
            if let Some(to) = self.selected {
                out.push(to, &datagram);
            }
        }
    }

    /// Does what is due.
    ///
    /// # Errors
    ///
    /// [`TransportError::Dtls`] when the handshake has failed for good.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Datagrams) -> Result<(), TransportError> {
        let result = self.dtls.handle_timeout(now);
        self.flush(out);
        result
    }

    /// When [`Self::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.dtls.poll_timeout()
    }

    /// Where packets go; `None` until a check was made.
    #[must_use]
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    /// Protects what is sent, once connected.
    pub fn outbound(&mut self) -> Option<(Path, &mut Outbound)> {
        Some((self.selected?, &mut self.srtp.as_mut()?.0))
    }

    /// Opens what was received, once connected.
    pub fn inbound(&mut self) -> Option<&mut Inbound> {
        self.srtp.as_mut().map(|(_, inbound)| inbound)
    }

    /// Whether media can flow.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.srtp.is_some() && self.selected.is_some()
    }

    /// Whether the peer has gone silent or said goodbye.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.dtls.is_over() || now.saturating_duration_since(self.last_check) > CONSENT
    }

    /// Says goodbye.
    pub fn close(&mut self, now: Instant, out: &mut Datagrams) {
        self.dtls.close(now);
        self.flush(out);
    }
}
