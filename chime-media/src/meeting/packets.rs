//! Datagrams of clients, and the mix that goes back.

use std::time::Instant;

use super::Meeting;
use crate::audio::{Codecs, FRAME, Interest};
use crate::event::{Happened, Output};
use crate::ids::SessionId;
use crate::io::Path;
use crate::peer::{Reported, reports};
use crate::rtp::packet::Header;
use crate::transport::Received;

/// Samples of a frame of the mix, as RTP counts them.
#[expect(clippy::cast_possible_truncation, reason = "960")]
const SAMPLES: u32 = FRAME as u32;

impl<C: Codecs> Meeting<C> {
    /// A datagram came for a session: it is opened where it is.
    pub fn datagram(&mut self, now: Instant, id: SessionId, from: impl Into<Path>, datagram: &mut [u8]) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(peer) = session.peer.as_mut() else { return };
        if !session.octets.take(now, datagram.len()) {
            return;
        }
        match peer.transport.handle(now, from.into(), datagram, &mut self.datagrams) {
            Ok(Received::Rtp) => self.rtp(now, id, datagram),
            Ok(Received::Rtcp) => self.rtcp(now, id, datagram),
            Ok(Received::Connected) => {
                self.present(now, id);
                self.tell_kept_messages(now, id);
                self.settle(now);
            }
            // What is no packet of the peer is left out, whoever sent it.
            Ok(Received::Nothing) | Err(_) => {}
        }
    }

    fn rtp(&mut self, now: Instant, id: SessionId, packet: &mut [u8]) {
        let Some(header) = Header::parse(packet) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(peer) = &mut session.peer else { return };
        let Some(format) = peer.voice.as_ref().and_then(|voice| voice.format(header.payload_type)) else {
            return self.video_packet(now, id, &header, packet);
        };
        let Some(voice) = &mut peer.voice else { return };
        let Some(inbound) = peer.transport.inbound() else { return };
        // A source that was not heard before has to be genuine before anything is made of it.
        let mut opened = None;
        if !voice.knows(header.ssrc) {
            opened = inbound.rtp(packet, header.length, header.ssrc, header.sequence).ok();
            if opened.is_none() {
                return;
            }
        }
        let number = voice.transport.and_then(|id| header.extension(packet, id));
        if let Some(number) = number.and_then(|value| value.try_into().ok()) {
            peer.arrivals.note(now, u16::from_be_bytes(number));
        }
        if voice.received(now, header.ssrc, header.sequence, header.timestamp) {
            self.room.reset(session.audio);
        }
        // RFC 6464: the first bit tells voice activity.
        let level = voice.level.and_then(|id| header.extension(packet, id)).and_then(|value| value.first());
        let interest = self.room.observe(session.audio, level.map(|level| level & 0x7f), now);
        if interest == Interest::Skip {
            inbound.skip(header.ssrc, header.sequence);
            return;
        }
        let mut open = || inbound.rtp(packet, header.length, header.ssrc, header.sequence).ok();
        let Some((index, length)) = opened.or_else(&mut open) else { return };
        let Some(payload) = packet.get(..length).and_then(|packet| header.payload(packet)) else { return };
        if !payload.is_empty() {
            self.room.packet(session.audio, index, header.timestamp, payload, format, now);
        }
    }

    fn rtcp(&mut self, now: Instant, id: SessionId, packet: &mut [u8]) {
        let ntp = self.ntp(now);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(peer) = &mut session.peer else { return };
        let Some(Ok(length)) = peer.transport.inbound().map(|inbound| inbound.rtcp(packet)) else { return };
        let mut told = Vec::new();
        reports::read(peer, now, ntp, packet.get(..length).unwrap_or_default(), &mut told);
        let audio = session.audio;
        for each in told {
            match each {
                Reported::Loss(fraction, _) => self.room.set_loss(audio, fraction),
                Reported::Nack(ssrc, lost) => self.resend(now, id, ssrc, &lost),
                Reported::KeyFrame(ssrc) => self.keyframe_wanted(now, id, ssrc),
                Reported::Sent(ssrc, ntp) => self.sender_reported(now, id, ssrc, ntp),
                Reported::Arrived(arrived) => self.estimate(now, id, &arrived),
            }
        }
    }

    /// Mixes and sends one frame.
    pub(super) fn mix(&mut self, now: Instant) {
        self.room.tick(now);
        if let Some(tap) = &mut self.tap {
            tap.audio(now, self.room.mixed());
        }
        let frames = self.room.frames();
        for session in self.sessions.values_mut() {
            let Some(peer) = &mut session.peer else { continue };
            let Some(frame) = frames.to(session.audio) else { continue };
            peer.send_voice(frame.payload, frame.talkspurt, SAMPLES, &mut self.datagrams);
        }
    }

    /// Reports, repetitions, those who are gone.
    pub(super) fn upkeep(&mut self, now: Instant) {
        let ntp = self.ntp(now);
        let mut gone = Vec::new();
        for (id, session) in &mut self.sessions {
            if let Some(peer) = &mut session.peer {
                // A handshake that has failed shows in `is_over`.
                let _failed = peer.transport.handle_timeout(now, &mut self.datagrams);
                let group = session.group.and_then(|group| self.sources.get_mut(&group));
                let blocks = || {
                    let layers = group.into_iter().flat_map(|source| source.layers.iter_mut());
                    layers.filter_map(|layer| layer.reception.as_mut()).map(|each| each.report(now)).collect()
                };
                reports::due(peer, now, ntp, blocks, &mut self.datagrams);
            }
            let is_over = session.peer.as_ref().is_some_and(|peer| peer.transport.is_over(now));
            if !session.socket || is_over {
                session.lost.get_or_insert(now);
            } else {
                session.lost = None;
            }
            let lost = session.lost.is_some_and(|at| now.saturating_duration_since(at) >= self.config.grace);
            // A socket may be opened early and stay without a join for as long as its owner likes.
            if lost && session.joined {
                gone.push(*id);
            }
        }
        for id in gone {
            if self.sessions.get(&id).is_some_and(|session| session.socket) {
                self.outputs.push_back(Output::Close { session: id, code: 4500 });
            }
            self.drop_session(now, id, Happened::Dropped);
        }
        self.video_upkeep(now);
    }
}
