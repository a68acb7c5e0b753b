//! What a client hears: counts of the mix that it gets.

use std::time::Instant;

use crate::rtp::reception::Reception;

/// Counts of the mix.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Hearing {
    /// Packets, repeated ones left out.
    pub packets: u64,
    /// Octets of their payloads.
    pub octets: u64,
    /// Sequence numbers between the first and the newest that did not come.
    pub lost: u64,
    /// Packets that came after a newer one.
    pub reordered: u64,
    /// When the first came, and the last.
    pub first: Option<Instant>,
    /// When the last came.
    pub last: Option<Instant>,
    newest: Option<u64>,
    pub(super) reception: Option<Reception>,
}

impl Hearing {
    pub(super) fn packet(
        &mut self,
        now: Instant,
        ssrc: u32,
        index: u64,
        sequence: u16,
        timestamp: u32,
        octets: usize,
    ) {
        self.packets += 1;
        self.octets += u64::try_from(octets).unwrap_or_default();
        self.first.get_or_insert(now);
        self.last = Some(now);
        match self.newest {
            Some(newest) if index > newest => self.lost += index - newest - 1,
            Some(_) => {
                self.reordered += 1;
                self.lost = self.lost.saturating_sub(1);
            }
            None => {}
        }
        self.newest = self.newest.max(Some(index));
        if self.reception.as_ref().is_none_or(|reception| reception.ssrc() != ssrc) {
            self.reception = Some(Reception::new(ssrc, 48_000, sequence));
        }
        if let Some(reception) = &mut self.reception {
            reception.packet(now, sequence, timestamp);
        }
    }
}
