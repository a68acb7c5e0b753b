//! What a client sends and wants to receive (the signaling guide, sections 4.4, 5 and 6).

use std::time::Instant;

use super::Meeting;
use crate::audio::Codecs;
use crate::error::OfferError;
use crate::event::Output;
use crate::ids::{GroupId, SessionId, StreamId};
use crate::peer::{Camera, Peer, Track, Voice};
use crate::sdp::{Answer, AnswerSection, Kind, Offer, Section};
use crate::signal::proto::{
    Error, FrameType, RemoteVideoUpdate, SignalFrame, StreamMediaType, Subscribe, SubscribeAck, TrackMapping,
    VideoSubscriptionConfiguration,
};
use crate::transport::Credentials;

/// The client may not send video: it goes on without (the signaling guide, section 6.9).
const VIEW_ONLY: u32 = 206;
/// The offer cannot be answered.
const BAD_OFFER: u32 = 400;
/// Something of ours failed.
const INTERNAL: u32 = 500;

impl<C: Codecs> Meeting<C> {
    pub(super) fn subscribe(&mut self, now: Instant, id: SessionId, subscribe: Subscribe) {
        let offer = match Offer::parse(subscribe.sdp_offer.as_deref().unwrap_or_default()) {
            Ok(offer) => offer,
            Err(error) => return self.refuse_offer(now, id, BAD_OFFER, &error),
        };
        if let Err(status) = self.ensure_peer(now, id, &offer) {
            return self.refuse_offer(
                now,
                id,
                status,
                &OfferError::Unsupported("nothing that can be set up"),
            );
        }
        let descriptors: Vec<_> = subscribe
            .send_streams
            .iter()
            .filter(|stream| stream.media_type() == StreamMediaType::Video)
            .cloned()
            .collect();
        let mut sections = vec![AnswerSection::Rejected; offer.sections.len()];
        let mut ack = SubscribeAck { duplex: subscribe.duplex, ..SubscribeAck::default() };
        let mut view_only = false;
        let mut received = subscribe.receive_stream_ids.iter().skip(1);
        let mut first_video = true;
        let mix_in = self.mix_in(id, &offer);
        for (section, what) in offer.sections.iter().zip(&mut sections) {
            *what = match section.kind {
                Kind::Audio => self.answer_audio(now, id, section, mix_in.as_deref()),
                Kind::Video if std::mem::take(&mut first_video) => {
                    let camera = Camera::read(section);
                    let sends = section.direction.sends() && !section.rejected && !descriptors.is_empty();
                    let allowed = self.sessions.get(&id).is_some_and(super::session::Session::may_show);
                    let allocations =
                        (sends && allowed).then(|| self.publish(now, id, &camera, &descriptors)).flatten();
                    if let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) {
                        peer.camera = camera;
                    }
                    view_only = sends && allocations.is_none();
                    match allocations {
                        Some(allocations) => {
                            ack.allocations = allocations;
                            AnswerSection::Camera
                        }
                        None => {
                            self.withdraw(id);
                            if section.rejected { AnswerSection::Rejected } else { AnswerSection::Inactive }
                        }
                    }
                }
                Kind::Video => {
                    let stream = received.next().copied().filter(|stream| *stream > 0).map(StreamId);
                    self.answer_video(id, section, stream, &mut ack.tracks)
                }
                Kind::Other => AnswerSection::Rejected,
            };
        }
        for wish in &subscribe.video_subscription_configuration {
            self.wish(id, wish);
        }
        self.drop_tracks(id, &offer);
        let muted = subscribe.audio_muted.unwrap_or_default();
        self.set_muted(now, id, muted);
        self.resubscribe();
        ack.sdp_answer = self.answer_text(id, &offer, &sections);
        let frame = SignalFrame {
            suback: Some(ack),
            error: view_only.then(|| Error {
                status: Some(VIEW_ONLY),
                description: Some("no video may be sent".to_owned()),
            }),
            ..self.frame(now, FrameType::SubscribeAck)
        };
        self.send(id, &frame);
        self.choose_layers(now, id);
        // What each can decode may have changed. Whoever has offered is told in any case: its client chooses the codec to
        // send anew only when it is.
        if let Some(session) = self.sessions.get_mut(&id) {
            session.told_index = None;
        }
        self.stale_index = true;
    }

    fn refuse_offer(&mut self, now: Instant, id: SessionId, status: u32, why: &OfferError) {
        let error = Error { status: Some(status), description: Some(why.to_string()) };
        let frame = SignalFrame { error: Some(error), ..self.frame(now, FrameType::SubscribeAck) };
        self.send(id, &frame);
    }

    fn ensure_peer(&mut self, now: Instant, id: SessionId, offer: &Offer) -> Result<(), u32> {
        let session = self.sessions.get_mut(&id).ok_or(INTERNAL)?;
        if session.peer.is_some() {
            return Ok(());
        }
        let credentials = credentials(&self.identity).map_err(|_| INTERNAL)?;
        let ufrag = credentials.ufrag.clone();
        let peer = Peer::new(&self.identity, credentials, &offer.fingerprint, now).map_err(|_| INTERNAL)?;
        self.wake(now);
        let session = self.sessions.get_mut(&id).ok_or(INTERNAL)?;
        session.peer = Some(Box::new(peer));
        let sections = offer.sections.iter().filter(|section| section.kind == Kind::Audio);
        let audio = sections.flat_map(|section| &section.codecs).map(|codec| codec.payload_type).collect();
        self.outputs.push_back(Output::Route { ufrag, session: id, audio });
        Ok(())
    }

    /// The section in which the mix goes out: the one before, as long as the client receives there; else the first in which
    /// it does. Whoever has no microphone may offer one that is inactive, and another one to listen.
    fn mix_in(&mut self, id: SessionId, offer: &Offer) -> Option<String> {
        let peer = self.sessions.get_mut(&id)?.peer.as_mut()?;
        let takes = |section: &&Section| {
            section.kind == Kind::Audio && !section.rejected && section.direction.receives()
        };
        let takes = || offer.sections.iter().filter(takes).map(|section| &section.mid);
        let before = takes().find(|mid| peer.mix_in.as_ref() == Some(mid));
        peer.mix_in = before.or_else(|| takes().next()).cloned();
        peer.mix_in.clone()
    }

    fn answer_audio(
        &mut self,
        now: Instant,
        id: SessionId,
        section: &Section,
        mix_in: Option<&str>,
    ) -> AnswerSection {
        if section.rejected {
            return AnswerSection::Rejected;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return AnswerSection::Rejected };
        let Some(peer) = &mut session.peer else { return AnswerSection::Rejected };
        if peer.voice.is_none() {
            let ssrc = peer.fresh_ssrc();
            peer.voice = Voice::read(section, ssrc);
        }
        let connected = peer.transport.is_connected();
        match &peer.voice {
            Some(voice) => {
                let what = match mix_in == Some(section.mid.as_str()) {
                    true => AnswerSection::Audio { ssrc: voice.ssrc },
                    false => AnswerSection::Voice,
                };
                if connected && !session.informed {
                    self.present(now, id);
                }
                what
            }
            None => AnswerSection::Rejected,
        }
    }

    fn answer_video(
        &mut self,
        id: SessionId,
        section: &Section,
        stream: Option<StreamId>,
        tracks: &mut Vec<TrackMapping>,
    ) -> AnswerSection {
        if section.rejected {
            return AnswerSection::Rejected;
        }
        let group = stream.and_then(|stream| self.group_of(stream));
        let content = group.and_then(|group| self.sources.get(&group)).map(|source| source.attendee.content);
        let Some(session) = self.sessions.get_mut(&id) else { return AnswerSection::Rejected };
        let allowed = content.is_some_and(|content| session.may_watch(content));
        let Some(peer) = &mut session.peer else { return AnswerSection::Rejected };
        let place = match peer.tracks.iter().position(|track| track.mid == section.mid) {
            Some(place) => place,
            None => {
                let (ssrc, repair) = (peer.fresh_ssrc(), peer.fresh_ssrc());
                peer.tracks.push(Track::new(section, ssrc, repair));
                peer.tracks.len() - 1
            }
        };
        let Some(track) = peer.tracks.get_mut(place) else { return AnswerSection::Rejected };
        track.renegotiate(section);
        match (group, stream) {
            (Some(group), Some(stream)) if allowed => {
                track.want(Some(group), Some(stream));
                tracks.push(TrackMapping {
                    stream_id: Some(stream.0),
                    ssrc: Some(track.ssrc),
                    track_label: Some(format!("v_{}", section.mid)),
                });
                AnswerSection::Video { ssrc: track.ssrc, repair: track.repair }
            }
            _ => {
                track.want(None, None);
                AnswerSection::Inactive
            }
        }
    }

    /// Sections that are gone from the offer, or not used any more, take no video.
    fn drop_tracks(&mut self, id: SessionId, offer: &Offer) {
        let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) else { return };
        peer.tracks.retain(|track| {
            offer.sections.iter().any(|section| section.mid == track.mid && !section.rejected)
        });
    }

    fn answer_text(&mut self, id: SessionId, offer: &Offer, sections: &[AnswerSection]) -> Option<String> {
        let peer = self.sessions.get_mut(&id)?.peer.as_mut()?;
        peer.version += 1;
        let answer = Answer {
            offer,
            credentials: peer.transport.credentials(),
            fingerprint: self.identity.fingerprint(),
            candidates: &self.config.candidates,
            tcp_candidates: &self.config.tcp_candidates,
            cname: &peer.cname,
            version: peer.version,
            sections,
        };
        Some(answer.text())
    }

    /// The application has paused tiles, or lets them go on.
    pub(super) fn pause_tiles(&mut self, now: Instant, id: SessionId, streams: &[u32], paused: bool) {
        let groups: Vec<GroupId> =
            streams.iter().filter_map(|stream| self.group_of(StreamId(*stream))).collect();
        let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) else { return };
        for track in &mut peer.tracks {
            if track.wish.group.is_some_and(|group| groups.contains(&group)) {
                track.wish.paused = paused;
            }
        }
        self.choose_layers(now, id);
    }

    pub(super) fn update_wishes(&mut self, now: Instant, id: SessionId, update: RemoteVideoUpdate) {
        for wish in &update.added_or_updated_video_subscriptions {
            self.wish(id, wish);
        }
        if let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) {
            for track in &mut peer.tracks {
                if update.removed_video_subscription_mids.contains(&track.mid) {
                    track.want(None, None);
                }
            }
        }
        self.resubscribe();
        self.choose_layers(now, id);
    }

    fn wish(&mut self, id: SessionId, wish: &VideoSubscriptionConfiguration) {
        let named = wish.stream_id.filter(|stream| *stream > 0).map(StreamId);
        let group = named.and_then(|stream| self.group_of(stream));
        let Some(peer) = self.sessions.get_mut(&id).and_then(|session| session.peer.as_mut()) else { return };
        let Some(track) = peer.tracks.iter_mut().find(|track| track.mid == wish.mid) else { return };
        // A switch inside of the group it has; another group needs an offer.
        if named.is_some() && group == track.wish.group {
            track.wish.stream = named;
        }
        track.wish.priority = wish.priority.unwrap_or(track.wish.priority);
        track.wish.target_kbps = wish.target_bitrate_kbps.or(track.wish.target_kbps);
    }
}

/// Fresh credentials, out of the characters that ICE allows.
fn credentials(
    identity: &crate::transport::dtls::Identity,
) -> Result<Credentials, crate::error::TransportError> {
    let mut random = [0; 24];
    identity.random(&mut random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let (ufrag, password) = text.split_at(16);
    Ok(Credentials { ufrag: ufrag.to_owned(), password: password.to_owned() })
}
