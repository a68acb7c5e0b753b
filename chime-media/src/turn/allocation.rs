//! What one client has at the relay.

use std::net::SocketAddr;
use std::time::Instant;

use super::message::{Answer, Request};
use crate::io::Path;

/// A client's allocation.
#[derive(Debug)]
pub(super) struct Allocation {
    /// Where its client is.
    pub(super) client: Path,
    /// Who made it.
    pub(super) user: String,
    /// The request that made it.
    pub(super) transaction: [u8; 12],
    /// The name that it has.
    pub(super) relayed: SocketAddr,
    pub(super) ends: Instant,
    /// Until when it may be used without a channel. There is one permission, as all peers are ourselves.
    pub(super) permitted: Option<Instant>,
    pub(super) channels: Vec<Channel>,
}

/// A short header for one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    pub(super) number: u16,
    pub(super) candidate: u8,
    pub(super) ends: Instant,
}

impl Allocation {
    pub(super) fn answer(&self, request: &Request, now: Instant) -> Answer {
        let lifetime = self.ends.saturating_duration_since(now);
        Answer::success(request).relayed(self.relayed).mapped(self.client.address).lifetime(lifetime)
    }

    /// The candidate that a channel is bound to.
    pub(super) fn candidate_of(&self, number: u16, now: Instant) -> Option<u8> {
        let alive = self.channels.iter().filter(|channel| channel.ends > now);
        alive.filter(|channel| channel.number == number).map(|channel| channel.candidate).next()
    }

    /// The channel that is bound to a candidate.
    pub(super) fn channel_to(&self, candidate: u8, now: Instant) -> Option<u16> {
        let alive = self.channels.iter().filter(|channel| channel.ends > now);
        alive.filter(|channel| channel.candidate == candidate).map(|channel| channel.number).next()
    }
}
