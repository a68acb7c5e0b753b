//! What the server answers to an offer.

use std::net::SocketAddr;

use crate::sdp::{Offer, Section};
use crate::transport::Credentials;

/// An answer, as far as a client needs it.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) credentials: Credentials,
    pub(super) fingerprint: String,
    /// The first candidate over UDP.
    pub(super) candidate: Option<SocketAddr>,
    /// The sections, which are written as in an offer.
    pub(super) sections: Vec<Section>,
}

impl Answered {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let offer = Offer::parse(text).ok()?;
        let value = |key: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(key));
        let password = value("a=ice-pwd:")?.to_owned();
        let candidate = text.lines().find_map(|line| {
            let fields: Vec<&str> = line.trim_end().strip_prefix("a=candidate:")?.split(' ').collect();
            match fields.as_slice() {
                [_, _, "udp", _, ip, port, ..] => Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?)),
                _ => None,
            }
        });
        Some(Self {
            credentials: Credentials { ufrag: offer.ufrag, password },
            fingerprint: offer.fingerprint,
            candidate,
            sections: offer.sections,
        })
    }

    pub(super) fn section(&self, mid: u32) -> Option<&Section> {
        self.sections.iter().find(|section| section.mid == mid.to_string() && !section.rejected)
    }
}
