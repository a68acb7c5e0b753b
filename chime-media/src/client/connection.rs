//! The media of a client: what it sends and what it receives, once its link is up.

use std::time::{Duration, Instant};

use super::answer::Answered;
use super::attendee::Counts;
use super::camera::{Camera, Show};
use super::event::Media;
use super::hearing::Hearing;
use super::link::{Came, Link};
use super::offer::{DEPENDENCY, LEVEL, MID, REPAIRED_RID, RID, RTX, TRANSPORT, VP8, VP9, VP9_RTX};
use super::random::Random;
use super::stream::Part;
use super::subscription::Subscriptions;
use super::tile::{Packet, Tile};
use super::voice::Voice;
use super::{Config, picture};
use crate::io::Datagrams;
use crate::rtp::arrivals::Arrivals;
use crate::rtp::packet::{self, Header, Outgoing};
use crate::rtp::reception::Reception;
use crate::rtp::sequence::low;
use crate::transport::dtls::Identity;

/// Time between feedbacks on arrivals.
const FEEDBACK: Duration = Duration::from_millis(50);
/// Time between looks at what is missing.
const LOOKS: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) link: Link,
    pub(super) random: Random,
    pub(super) voice: Voice,
    pub(super) hearing: Hearing,
    pub(super) camera: Option<Camera>,
    /// What it showed before.
    pub(super) hidden: Option<Camera>,
    pub(super) subscriptions: Subscriptions,
    pub(super) tiles: Vec<Tile>,
    pub(super) out: Datagrams,
    pub(super) arrivals: Arrivals,
    pub(super) counts: Counts,
    pub(super) start: Instant,
    /// The server has reported on what it got: it knows which source is which.
    pub(super) known: bool,
    pub(super) next_report: Option<Instant>,
    next_feedback: Option<Instant>,
    next_look: Option<Instant>,
    feedback: bool,
    transport_sequence: u64,
}

impl Connection {
    pub(super) fn new(config: &Config, identity: &Identity, now: Instant) -> Self {
        let mut random = Random::new(config.seed);
        Self {
            link: Link::new(identity, &mut random),
            voice: Voice::new(&mut random, config.red),
            random,
            hearing: Hearing::default(),
            camera: None,
            hidden: None,
            subscriptions: Subscriptions::default(),
            tiles: Vec::new(),
            out: Datagrams::default(),
            arrivals: Arrivals::new(now),
            counts: Counts::default(),
            start: now,
            known: false,
            next_report: None,
            next_feedback: None,
            next_look: None,
            feedback: config.feedback,
            transport_sequence: 1,
        }
    }

    pub(super) fn show(&mut self, now: Instant, show: Show) {
        self.camera = Some(Camera::new(show, now, &mut self.random));
        self.known = false;
    }

    /// Takes an answer: where the server is, and which sources it sends in which sections.
    pub(super) fn answered(&mut self, now: Instant, answer: &Answered, may_show: bool) {
        self.link.answered(now, answer);
        if let Some(camera) = &mut self.camera {
            let section = answer.section(super::offer::CAMERA_MID);
            camera.open = may_show && section.is_some_and(|section| section.direction.sends());
        }
        let wanted =
            |tile: &Tile| self.subscriptions.slots().any(|slot| slot.is_wanted() && slot.mid == tile.mid);
        self.tiles.retain(wanted);
        for slot in self.subscriptions.slots().filter(|slot| slot.is_wanted()) {
            if self.tiles.iter().any(|tile| tile.mid == slot.mid) {
                continue;
            }
            let Some(section) = answer.section(slot.mid) else { continue };
            let Some(ssrc) = section.ssrcs.first().copied() else { continue };
            let repair =
                section.repairs.iter().find(|(media, _)| *media == ssrc).map_or(0, |(_, repair)| *repair);
            self.tiles.push(Tile::new(slot.mid, &slot.attendee, ssrc, repair));
        }
        self.timeout(now);
    }

    pub(super) fn datagram<'a>(&mut self, now: Instant, datagram: &'a mut [u8]) -> (bool, Media<'a>) {
        // What is no packet of the server is left out.
        match self.link.handle(now, datagram, &mut self.out) {
            Ok(Came::Connected) => {
                self.next_report = Some(now + super::reports::REPORTS);
                (true, Media::Nothing)
            }
            Ok(Came::Rtp) => (false, self.rtp(now, datagram).unwrap_or(Media::Nothing)),
            Ok(Came::Rtcp) => {
                self.rtcp(now, datagram);
                (false, Media::Rtcp)
            }
            Ok(Came::Nothing) | Err(_) => (false, Media::Nothing),
        }
    }

    fn rtp<'a>(&mut self, now: Instant, packet: &'a mut [u8]) -> Option<Media<'a>> {
        let header = Header::parse(packet)?;
        let (_, inbound) = self.link.srtp.as_mut()?;
        let (index, length) = inbound.rtp(packet, header.length, header.ssrc, header.sequence).ok()?;
        let packet = packet.get(..length)?;
        if let Some(number) = header.extension(packet, TRANSPORT).and_then(|value| value.try_into().ok()) {
            self.arrivals.note(now, u16::from_be_bytes(number));
            self.next_feedback.get_or_insert(now + FEEDBACK);
        }
        let payload = header.payload(packet)?;
        if ![VP8, RTX, VP9, VP9_RTX].contains(&header.payload_type) {
            let (timestamp, marker) = (header.timestamp, header.marker);
            self.hearing.packet(now, header.ssrc, index, header.sequence, timestamp, payload.len());
            return Some(Media::Audio { index, timestamp, marker, payload });
        }
        self.next_look.get_or_insert(now + LOOKS);
        let again = header.payload_type == RTX || header.payload_type == VP9_RTX;
        let vp9 = header.payload_type == VP9 || header.payload_type == VP9_RTX;
        let (timestamp, marker) = (header.timestamp, header.marker);
        let of = |tile: &&mut Tile| if again { tile.repair == header.ssrc } else { tile.ssrc == header.ssrc };
        let tile = self.tiles.iter_mut().find(of)?;
        let picture = if again {
            // Padding on the source of retransmissions is a probe and nothing else.
            let [high, low, rest @ ..] = payload else {
                return Some(Media::Video { mid: tile.mid, picture: None });
            };
            let index = tile.reception.as_ref()?.extend(u16::from_be_bytes([*high, *low]));
            tile.packet(now, index, &Packet { timestamp, marker, vp9, again, payload: rest })
        } else {
            let fresh = || Reception::new(header.ssrc, 90_000, header.sequence);
            tile.reception.get_or_insert_with(fresh).packet(now, header.sequence, header.timestamp);
            tile.packet(now, index, &Packet { timestamp, marker, vp9, again, payload })
        };
        Some(Media::Video { mid: tile.mid, picture })
    }

    /// Sends 20 ms of voice.
    pub(super) fn say(&mut self, payload: &[u8], level: u8) {
        if self.link.srtp.is_none() {
            return self.voice.pause();
        }
        let spoken = self.voice.next(payload.len());
        let number = low(self.transport_sequence).to_be_bytes();
        let level = [level & 0x7f];
        let mid = super::offer::AUDIO_MID.to_string();
        let mut extensions: Vec<(u8, &[u8])> = vec![(LEVEL, &level), (TRANSPORT, &number)];
        if !self.known {
            extensions.push((MID, mid.as_bytes()));
        }
        let header = Outgoing {
            marker: spoken.marker,
            padding: false,
            payload_type: spoken.payload_type,
            sequence: low(spoken.index),
            timestamp: spoken.timestamp,
            ssrc: self.voice.ssrc(),
        };
        let (Some(to), Some((outbound, _))) = (self.link.to(), &mut self.link.srtp) else { return };
        let voice = &mut self.voice;
        let _sent = self.out.try_write(to, |bytes, start| {
            let length = packet::write(bytes, &header, &extensions);
            voice.write(bytes, spoken.timestamp, payload);
            outbound.rtp(bytes, start, length, header.ssrc, spoken.index)
        });
        self.transport_sequence += 1;
    }

    /// Sends what the camera has to send.
    fn film(&mut self, now: Instant) {
        let Some(camera) = &mut self.camera else { return };
        for (place, part) in camera.due(now) {
            self.counts.picture = part.mark.number;
            self.send_part(place, &part, false);
        }
    }

    /// Sends a packet of a picture; again with the source of retransmissions (RFC 4588).
    pub(super) fn send_part(&mut self, place: usize, part: &Part, again: bool) {
        let Some(camera) = &mut self.camera else { return };
        let (media, repair) = if camera.is_scalable() { (VP9, VP9_RTX) } else { (VP8, RTX) };
        let Some(stream) = camera.stream_at(place) else { return };
        let (payload_type, ssrc, index) = if again {
            stream.repair_index += 1;
            (repair, stream.repair, stream.repair_index)
        } else {
            (media, stream.ssrc, part.index)
        };
        let number = low(self.transport_sequence).to_be_bytes();
        let mid = super::offer::CAMERA_MID.to_string();
        let mut extensions: Vec<(u8, &[u8])> = vec![(TRANSPORT, &number)];
        if !self.known {
            extensions.push((MID, mid.as_bytes()));
        }
        let described = part.numbers.described.then(|| picture::describe(part.mark, part.numbers));
        if let Some(value) = &described {
            extensions.push((DEPENDENCY, value));
        }
        if let Some(rid) = stream.rid.as_deref().filter(|_| !self.known || again) {
            extensions.push((if again { REPAIRED_RID } else { RID }, rid.as_bytes()));
        }
        let header = Outgoing {
            marker: part.marker,
            padding: false,
            payload_type,
            sequence: low(index),
            timestamp: part.timestamp,
            ssrc,
        };
        let (Some(to), Some((outbound, _))) = (self.link.to(), &mut self.link.srtp) else { return };
        let _sent = self.out.try_write(to, |bytes, start| {
            let length = packet::write(bytes, &header, &extensions);
            if again {
                bytes.extend_from_slice(&low(part.index).to_be_bytes());
            }
            picture::write(bytes, part.mark, part.numbers, part.octets);
            outbound.rtp(bytes, start, length, ssrc, index)
        });
        self.transport_sequence += 1;
    }

    pub(super) fn timeout(&mut self, now: Instant) {
        self.link.timeout(now, &mut self.random, &mut self.out);
        if self.link.srtp.is_none() {
            return;
        }
        self.film(now);
        if self.next_look.is_some_and(|at| now >= at) {
            self.next_look = Some(now + LOOKS);
            self.ask(now);
        }
        if self.next_feedback.is_some_and(|at| now >= at) {
            self.next_feedback = None;
            if self.feedback {
                self.report_arrivals();
            }
        }
        if self.next_report.is_some_and(|at| now >= at) {
            self.next_report = Some(now + super::reports::REPORTS);
            self.report(now);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let camera = self.link.srtp.is_some().then(|| self.camera.as_ref()?.next()).flatten();
        [self.link.poll_timeout(), camera, self.next_look, self.next_feedback, self.next_report]
            .into_iter()
            .flatten()
            .min()
    }
}
