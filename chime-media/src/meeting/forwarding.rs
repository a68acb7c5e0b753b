//! Video packets, from one to those who want them.

use std::time::{Duration, Instant};

use super::Meeting;
use super::outgoing::{append, extensions, fill, pictures};
use super::sources::{Layer, Source};
use crate::audio::Codecs;
use crate::forward::cache::Carried;
use crate::forward::dependency::frame_number;
use crate::forward::keyframe::begins_keyframe;
use crate::forward::part::Part;
use crate::forward::rewrite::Incoming;
use crate::forward::sieve::Verdict;
use crate::forward::vp8::Descriptor;
use crate::ids::SessionId;
use crate::peer::{Camera, Payload};
use crate::rtp::packet::{Header, Outgoing};
use crate::rtp::reception::Reception;
use crate::rtp::sequence::low;
use crate::sdp::VideoCodec;
use crate::tap::TappedPacket;

/// Clock of video, in Hz.
const CLOCK: u32 = 90_000;
/// Least time between two requests for a key frame of one encoding.
const KEYFRAMES: Duration = Duration::from_millis(300);

/// A packet of a source, opened.
struct Picture<'a> {
    index: u64,
    timestamp: u32,
    marker: bool,
    carried: &'a Carried,
    payload: &'a [u8],
    /// Its place among the layers, if it has layers.
    part: Option<Part>,
}

impl<C: Codecs> Meeting<C> {
    pub(super) fn video_packet(&mut self, now: Instant, id: SessionId, header: &Header, packet: &mut [u8]) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(peer) = &mut session.peer else { return };
        let Some(kind) = peer.camera.payload(header.payload_type) else { return };
        peer.feedback.video = true;
        if let Some(number) =
            extension(peer.camera.transport, header, packet).and_then(|value| value.try_into().ok())
        {
            peer.arrivals.note(now, u16::from_be_bytes(number));
        }
        let Some(inbound) = peer.transport.inbound() else { return };
        let Ok((index, length)) = inbound.rtp(packet, header.length, header.ssrc, header.sequence) else {
            return;
        };
        let Some(packet) = packet.get(..length) else { return };
        let Some(payload) = header.payload(packet) else { return };
        let Some(source) = session.group.and_then(|group| self.sources.get_mut(&group)) else { return };
        let Some(place) = learn(source, &peer.camera, kind, header, packet) else { return };
        let Some(layer) = source.layers.get_mut(place) else { return };
        if kind != Payload::Repair {
            let reception =
                layer.reception.get_or_insert_with(|| Reception::new(header.ssrc, CLOCK, header.sequence));
            reception.packet(now, header.sequence, header.timestamp);
        }
        if payload.is_empty() {
            // It probes the path, and is for nobody.
            if kind != Payload::Repair {
                layer.missing.arrived(now, index);
                self.pass_over(
                    now,
                    id,
                    place,
                    &Incoming { index, timestamp: header.timestamp, ..Incoming::default() },
                );
            }
            return;
        }
        let carried = Carried {
            orientation: extension(peer.camera.orientation, header, packet)
                .and_then(|value| value.first().copied()),
            dependency: extension(peer.camera.dependency, header, packet)
                .map(<[u8]>::to_vec)
                .unwrap_or_default(),
        };
        let mut picture = Picture {
            index,
            timestamp: header.timestamp,
            marker: header.marker,
            carried: &carried,
            payload,
            part: None,
        };
        if let Payload::Media(codec) = kind {
            source.codec = Some(codec);
        }
        if kind == Payload::Repair {
            // RFC 4588: the number it had comes first.
            let [high, low, rest @ ..] = payload else { return };
            let (Some(_), Some(media)) = (&layer.reception, layer.ssrc) else { return };
            picture.index = inbound.index(media, u16::from_be_bytes([*high, *low]));
            picture.payload = rest;
            // Senders probe a path with what has come already.
            if layer.cache.has_had(picture.index) {
                return;
            }
        }
        picture.part = source.codec.and_then(|codec| layer.part(codec, picture.payload, &carried));
        if kind != Payload::Repair {
            layer.measure(now, length, picture.part.as_ref());
        }
        layer.last_packet = Some(now);
        let hopeless = layer.missing.arrived(now, picture.index);
        layer.cache.keep(picture.index, picture.timestamp, picture.marker, &carried, picture.payload);
        if hopeless {
            ask_for_keyframe(source, place, now, &mut self.wanted_keyframes);
        }
        self.forward(now, id, place, &picture);
        self.flush_keyframes();
    }

    fn forward(&mut self, now: Instant, sender: SessionId, place: usize, picture: &Picture<'_>) {
        let Some(group) = self.sessions.get(&sender).and_then(|session| session.group) else { return };
        let Some(source) = self.sources.get_mut(&group) else { return };
        let (Some(codec), Some(stream)) = (source.codec, source.layers.get(place).map(|layer| layer.stream))
        else {
            return;
        };
        if let Some(tap) = self.tap.as_mut().filter(|_| source.attendee.content) {
            let packet = TappedPacket {
                attendee: &source.attendee,
                stream,
                codec,
                index: picture.index,
                timestamp: picture.timestamp,
                marker: picture.marker,
                payload: picture.payload,
            };
            tap.content(now, &packet);
        }
        let renewed = source.layers.get_mut(place).is_some_and(|layer| std::mem::take(&mut layer.renewed));
        if renewed {
            ask_for_keyframe(source, place, now, &mut self.wanted_keyframes);
        }
        let begins = begins_keyframe(codec, picture.payload);
        let descriptor = (codec == VideoCodec::Vp8).then(|| Descriptor::parse(picture.payload)).flatten();
        for (id, place) in &source.subscribers {
            let Some(peer) = self.sessions.get_mut(id).and_then(|session| session.peer.as_mut()) else {
                continue;
            };
            let Some(track) = peer.tracks.get_mut(*place) else { continue };
            if renewed && track.current == Some(stream) {
                // Its numbers begin anew, so what receivers get has to as well.
                (track.current, track.target) = (None, Some(stream));
            }
            if begins && track.target == Some(stream) && track.current != Some(stream) {
                track.current = Some(stream);
                track.rewriter.switch();
                track.sieve.restart();
            }
            if track.current != Some(stream) {
                continue;
            }
            let Some((payload_type, _)) = track.payload_types(codec) else { continue };
            let mut packet = Incoming {
                index: picture.index,
                timestamp: picture.timestamp,
                marker: picture.marker,
                pictures: descriptor.as_ref().map(pictures).unwrap_or_default(),
                frame: frame_number(&picture.carried.dependency),
            };
            match picture.part.map(|part| track.sieve.sift(picture.timestamp, &part)) {
                Some(Verdict::LeaveOut) => {
                    if let Some(numbers) = track.rewriter.leave_out(&packet) {
                        fill(peer, now, *place, payload_type, &numbers, &mut self.datagrams);
                    }
                    continue;
                }
                Some(Verdict::Pass { last }) => packet.marker |= last,
                None => {}
            }
            let Some(numbers) = track.rewriter.next(now, &packet) else { continue };
            track.sent.0 = track.sent.0.wrapping_add(1);
            track.sent.1 =
                track.sent.1.wrapping_add(u32::try_from(picture.payload.len()).unwrap_or_default());
            let header = Outgoing {
                marker: numbers.marker,
                padding: false,
                payload_type,
                sequence: low(numbers.index),
                timestamp: numbers.timestamp,
                ssrc: track.ssrc,
            };
            let extensions = extensions(track, picture.carried, &numbers);
            peer.send_video(now, &header, numbers.index, &extensions, &mut self.datagrams, |bytes| {
                append(bytes, picture.payload, descriptor.as_ref(), &numbers);
            });
        }
    }

    /// A packet of padding came: those who get the rest are not to take it for lost.
    fn pass_over(&mut self, now: Instant, sender: SessionId, place: usize, packet: &Incoming) {
        let Some(group) = self.sessions.get(&sender).and_then(|session| session.group) else { return };
        let Some(source) = self.sources.get_mut(&group) else { return };
        let (Some(codec), Some(stream)) = (source.codec, source.layers.get(place).map(|layer| layer.stream))
        else {
            return;
        };
        for (id, place) in &source.subscribers {
            let Some(peer) = self.sessions.get_mut(id).and_then(|session| session.peer.as_mut()) else {
                continue;
            };
            let track = peer.tracks.get_mut(*place).filter(|track| track.current == Some(stream));
            let Some(track) = track else { continue };
            let Some((payload_type, _)) = track.payload_types(codec) else { continue };
            if let Some(numbers) = track.rewriter.leave_out(packet) {
                fill(peer, now, *place, payload_type, &numbers, &mut self.datagrams);
            }
        }
    }

    /// A client has told when it sent what of its video.
    pub(super) fn sender_reported(&mut self, now: Instant, id: SessionId, ssrc: u32, ntp: u64) {
        let group = self.sessions.get(&id).and_then(|session| session.group);
        let Some(source) = group.and_then(|group| self.sources.get_mut(&group)) else { return };
        let mut layers = source.layers.iter_mut().filter(|layer| layer.ssrc == Some(ssrc));
        if let Some(reception) = layers.next().and_then(|layer| layer.reception.as_mut()) {
            reception.sender_report(now, ntp);
        }
    }

    /// A client cannot decode a track.
    pub(super) fn keyframe_wanted(&mut self, now: Instant, id: SessionId, ssrc: u32) {
        let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) else { return };
        let Some(track) = peer.track_of(ssrc) else { return };
        let (Some(group), Some(stream)) = (track.wish.group, track.current.or(track.target)) else { return };
        let Some(source) = self.sources.get_mut(&group) else { return };
        if let Some(place) = source.layers.iter().position(|layer| layer.stream == stream) {
            ask_for_keyframe(source, place, now, &mut self.wanted_keyframes);
        }
        self.flush_keyframes();
    }

    /// Sends the requests that were collected.
    pub(super) fn flush_keyframes(&mut self) {
        for (sender, ssrc) in std::mem::take(&mut self.wanted_keyframes) {
            if let Some(peer) = self.sessions.get_mut(&sender).and_then(|session| session.peer.as_mut()) {
                peer.request_keyframe(ssrc, &mut self.datagrams);
            }
        }
    }

    /// Requests for lost packets and key frames that are due, and layers that came or went.
    pub(super) fn video_upkeep(&mut self, now: Instant) {
        let mut lost = Vec::new();
        for source in self.sources.values_mut() {
            if source.next_keyframe.is_some_and(|at| now >= at) {
                source.next_keyframe = Some(now + self.config.content_keyframes);
                for place in 0..source.layers.len() {
                    ask_for_keyframe(source, place, now, &mut self.wanted_keyframes);
                }
            }
            for layer in &mut source.layers {
                let mut due = Vec::new();
                layer.missing.due(now, &mut due);
                if let (Some(ssrc), false) = (layer.ssrc, due.is_empty()) {
                    lost.push((
                        source.session,
                        ssrc,
                        due.iter().map(|index| low(*index)).collect::<Vec<_>>(),
                    ));
                }
            }
        }
        for (sender, ssrc, numbers) in lost {
            if let Some(peer) = self.sessions.get_mut(&sender).and_then(|session| session.peer.as_mut()) {
                peer.request_packets(ssrc, &numbers, &mut self.datagrams);
            }
        }
        if now >= self.next_layers {
            self.next_layers = now + Duration::from_millis(200);
            let watching: Vec<SessionId> = self
                .sessions
                .iter()
                .filter(|(_, session)| session.peer.as_ref().is_some_and(|peer| !peer.tracks.is_empty()))
                .map(|(id, _)| *id)
                .collect();
            for id in watching {
                self.choose_layers(now, id);
            }
        }
        self.probe(now);
        if now >= self.next_bitrates {
            self.next_bitrates = now + super::bandwidth::BITRATES;
            self.tell_bitrates(now);
        }
        self.flush_keyframes();
    }
}

/// The encoding that a packet is of, learnt from its extensions if need be.
fn learn(
    source: &mut Source,
    camera: &Camera,
    kind: Payload,
    header: &Header,
    packet: &[u8],
) -> Option<usize> {
    let repair = kind == Payload::Repair;
    let of = |layer: &Layer| if repair { layer.repair } else { layer.ssrc };
    if let Some(place) = source.layers.iter().position(|layer| of(layer) == Some(header.ssrc)) {
        return Some(place);
    }
    let id = if repair { camera.repaired_rid } else { camera.rid };
    let rid = std::str::from_utf8(extension(id, header, packet)?).ok()?;
    let place = source.layers.iter().position(|layer| layer.rid.as_deref() == Some(rid))?;
    let layer = source.layers.get_mut(place)?;
    if repair {
        layer.repair = Some(header.ssrc);
    } else {
        layer.renew(Some(header.ssrc));
    }
    Some(place)
}

pub(super) fn ask_for_keyframe(
    source: &mut Source,
    place: usize,
    now: Instant,
    wanted: &mut Vec<(SessionId, u32)>,
) {
    let sender = source.session;
    let Some(layer) = source.layers.get_mut(place) else { return };
    let Some(ssrc) = layer.ssrc else { return };
    if layer.asked.is_none_or(|at| now.saturating_duration_since(at) >= KEYFRAMES) {
        layer.asked = Some(now);
        wanted.push((sender, ssrc));
    }
}

fn extension<'a>(id: Option<u8>, header: &Header, packet: &'a [u8]) -> Option<&'a [u8]> {
    header.extension(packet, id?)
}
