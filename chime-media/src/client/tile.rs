//! A video that a client receives: packets put in order, pictures put together, and whether they could be decoded.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::picture::{self, HEAD, Mark, Picture};
use crate::forward::nack::Missing;
use crate::rtp::reception::Reception;

/// How long a packet that is missing is waited for.
const PATIENCE: Duration = Duration::from_millis(400);
/// Packets that wait at most.
const MOST: usize = 1024;
/// Frames that later ones may build upon.
const REFERENCES: usize = 24;
/// Time between requests for a key frame.
const REQUESTS: Duration = Duration::from_millis(500);

/// Counts of a received video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TileCounts {
    /// Packets with media, retransmissions included and repeated ones left out.
    pub packets: u64,
    /// Octets of their payloads.
    pub octets: u64,
    /// Of them, retransmitted ones.
    pub repaired: u64,
    /// Packets that came twice, or when they were given up.
    pub useless: u64,
    /// Packets that were given up.
    pub lost: u64,
    /// Packets with padding only, retransmissions left out.
    pub padding: u64,
    /// Pictures that could be decoded.
    pub pictures: u64,
    /// Of them, key frames.
    pub keys: u64,
    /// Pictures that could not.
    pub broken: u64,
    /// Changes of the encoding.
    pub switches: u64,
    /// Of them, those that did not begin with a key frame although nothing was lost that could have been one: none may.
    pub bad_switches: u64,
    /// Numbers of VP8 pictures that were left out while no packet was lost.
    pub gaps: u64,
    /// Pictures whose last packet was not marked, or another one was, while no packet was lost.
    pub unmarked: u64,
    /// Requests for key frames.
    pub requests: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    came: Instant,
    timestamp: u32,
    octets: usize,
    marker: bool,
    /// None for padding, or a picture that is none of ours. The number is that of VP8.
    mark: Option<(Mark, Option<u16>)>,
}

/// A packet as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) vp9: bool,
    /// It was sent again.
    pub(super) again: bool,
    pub(super) payload: &'a [u8],
}

/// A video that is received.
#[derive(Debug)]
pub struct Tile {
    /// The section.
    pub mid: u32,
    /// Whose it is.
    pub attendee: String,
    /// What was counted.
    pub counts: TileCounts,
    /// The encoding of the last picture, counted from the smallest.
    pub layer: Option<u8>,
    /// The highest spatial layer of the last picture.
    pub spatial: Option<u8>,
    /// When the last picture came.
    pub last: Option<Instant>,
    pub(super) ssrc: u32,
    pub(super) repair: u32,
    pub(super) reception: Option<Reception>,
    pub(super) missing: Missing,
    waiting: BTreeMap<u64, Waiting>,
    next: Option<u64>,
    /// The picture in the making: its mark as its first packet had it, packets so far, octets.
    making: Option<(Mark, u16, usize)>,
    /// Numbers and spatial layers of frames that were decoded.
    decoded: VecDeque<(u32, u8)>,
    /// The VP8 number of the last picture.
    number: Option<u16>,
    /// The picture of the last packet, and whether that was marked.
    marked: Option<(u32, bool)>,
    asked: Option<Instant>,
    needs_key: bool,
    /// Packets that had been given up when the last picture was whole.
    lost_before: u64,
}

impl Tile {
    pub(super) fn new(mid: u32, attendee: &str, ssrc: u32, repair: u32) -> Self {
        Self {
            mid,
            attendee: attendee.to_owned(),
            counts: TileCounts::default(),
            layer: None,
            spatial: None,
            last: None,
            ssrc,
            repair,
            reception: None,
            missing: Missing::default(),
            waiting: BTreeMap::new(),
            next: None,
            making: None,
            decoded: VecDeque::new(),
            number: None,
            marked: None,
            asked: None,
            needs_key: true,
            lost_before: 0,
        }
    }

    /// A packet came, with this number. Gives the last picture that it completed.
    pub(super) fn packet(&mut self, now: Instant, index: u64, came: &Packet<'_>) -> Option<Picture> {
        let Packet { timestamp, marker, payload, .. } = *came;
        if self.missing.arrived(now, index) {
            self.needs_key = true;
        }
        let next = *self.next.get_or_insert(index);
        if index < next || self.waiting.contains_key(&index) {
            self.counts.useless += 1;
            return None;
        }
        if payload.is_empty() {
            self.counts.padding += u64::from(!came.again);
        } else {
            self.counts.packets += 1;
            self.counts.octets += u64::try_from(payload.len()).unwrap_or_default();
            self.counts.repaired += u64::from(came.again);
        }
        let mark = picture::read(came.vp9, payload).map(|(number, mark)| (mark, number));
        let octets = payload.len().saturating_sub(HEAD);
        self.waiting.insert(index, Waiting { came: now, timestamp, octets, marker, mark });
        if self.waiting.len() > MOST {
            self.give_up();
        }
        self.drain(now)
    }

    fn drain(&mut self, now: Instant) -> Option<Picture> {
        let mut shown = None;
        while let Some(next) = self.next
            && let Some(waiting) = self.waiting.remove(&next)
        {
            self.next = Some(next + 1);
            if let Some((mark, number)) = waiting.mark
                && let Some(picture) = self.take(now, &waiting, mark, number)
            {
                shown = Some(picture);
            }
        }
        shown
    }

    fn take(&mut self, now: Instant, waiting: &Waiting, mark: Mark, number: Option<u16>) -> Option<Picture> {
        let marked = self.marked.replace((mark.number, waiting.marker));
        if marked.is_some_and(|(picture, marked)| (picture == mark.number) == marked) {
            self.counts.unmarked += 1;
        }
        if mark.part.0 == 0 {
            if self.making.is_some() {
                self.counts.broken += 1;
            }
            self.making = Some((mark, 0, 0));
            let next = |(before, number)| before != number && (before + 1) & 0x7fff != number;
            self.counts.gaps += u64::from(self.number.zip(number).is_some_and(next));
            self.number = number;
        }
        let same = |of: &Mark| (of.layer, of.number, of.spatial) == (mark.layer, mark.number, mark.spatial);
        let Some((_, parts, octets)) =
            self.making.as_mut().filter(|(of, parts, _)| same(of) && *parts == mark.part.0)
        else {
            if self.making.take().is_some() {
                self.counts.broken += 1;
            }
            self.needs_key = true;
            return None;
        };
        *parts += 1;
        *octets += waiting.octets;
        let octets = *octets;
        if *parts < mark.part.1 {
            return None;
        }
        self.making = None;
        if waiting.marker {
            self.spatial = Some(mark.spatial);
        }
        self.whole(now, mark).then_some(Picture { mark, octets, timestamp: waiting.timestamp })
    }

    /// A picture is whole: can it be decoded?
    fn whole(&mut self, now: Instant, mark: Mark) -> bool {
        if self.layer.is_some_and(|layer| layer != mark.layer) {
            self.counts.switches += 1;
            self.counts.bad_switches += u64::from(!mark.is_key() && self.lost_before == self.counts.lost);
        }
        self.lost_before = self.counts.lost;
        let same = self.layer == Some(mark.layer);
        self.layer = Some(mark.layer);
        let upon = (mark.number.wrapping_sub(u32::from(mark.back)), mark.spatial);
        let below =
            mark.spatial.checked_sub(1).is_none_or(|below| self.decoded.contains(&(mark.number, below)));
        let has = below && (mark.back == 0 || self.decoded.contains(&upon));
        if mark.is_key() {
            self.decoded.clear();
            self.counts.keys += 1;
            self.needs_key = false;
        } else if !same || !has {
            self.counts.broken += 1;
            self.needs_key = true;
            return false;
        }
        self.decoded.push_back((mark.number, mark.spatial));
        if self.decoded.len() > REFERENCES {
            self.decoded.pop_front();
        }
        self.counts.pictures += u64::from(mark.spatial == 0);
        self.last = Some(now);
        true
    }

    fn give_up(&mut self) {
        let (Some(next), Some(first)) = (self.next, self.waiting.keys().next().copied()) else { return };
        self.counts.lost += first.saturating_sub(next);
        self.next = Some(first);
        self.needs_key = true;
        if self.making.take().is_some() {
            self.counts.broken += 1;
        }
        // The VP8 numbers go on somewhere else.
        (self.number, self.marked) = (None, None);
    }

    /// Gives up what has been missing for too long; tells whether a key frame is to be asked for.
    pub(super) fn timeout(&mut self, now: Instant) -> bool {
        while let Some((first, waiting)) = self.waiting.iter().next()
            && self.next.is_some_and(|next| *first > next)
            && now.saturating_duration_since(waiting.came) >= PATIENCE
        {
            self.give_up();
            let _shown = self.drain(now);
        }
        let due = self.asked.is_none_or(|at| now.saturating_duration_since(at) >= REQUESTS);
        let ask = self.needs_key && self.reception.is_some() && due;
        if ask {
            self.asked = Some(now);
            self.counts.requests += 1;
        }
        ask
    }
}
