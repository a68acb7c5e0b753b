//! Frames of a client, and how it comes and goes.

use std::time::Instant;

use super::Meeting;
use super::session::Session;
use crate::audio::{Codecs, Role};
use crate::event::{Farewell, Happened, Output};
use crate::ids::SessionId;
use crate::signal::proto::{
    Error, FrameType, Join, JoinAck, LeaveAck, PingPong, PingPongType, ServerSideNetworkAdaption,
    SignalFrame, TurnCredentials,
};

/// The credentials are not good for this.
pub(super) const FORBIDDEN: u32 = 403;
/// The meeting has no room for this.
pub(super) const AT_CAPACITY: u32 = 409;
/// Remote videos that a client is told it may subscribe to at most.
const SUBSCRIPTIONS: u32 = 25;

impl<C: Codecs> Meeting<C> {
    pub(super) fn handle_frame(&mut self, now: Instant, id: SessionId, frame: SignalFrame) {
        let joined = self.sessions.get(&id).is_some_and(|session| session.joined);
        match frame.kind() {
            FrameType::PingPong => self.ping(now, id, &frame),
            FrameType::Join => self.join(now, id, &frame.join.unwrap_or_default()),
            FrameType::Leave => self.leave(now, id),
            // Nothing else is answered before a join.
            _ if !joined => {}
            FrameType::Subscribe => self.subscribe(now, id, frame.sub.unwrap_or_default()),
            FrameType::AudioControl => {
                let muted = frame.audio_control.and_then(|control| control.muted).unwrap_or_default();
                self.set_muted(now, id, muted);
            }
            FrameType::Pause | FrameType::Resume => {
                let streams = frame.pause.clone().unwrap_or_default().stream_ids;
                self.pause_tiles(now, id, &streams, frame.kind() == FrameType::Pause);
            }
            FrameType::RemoteVideoUpdate => {
                self.update_wishes(now, id, frame.remote_video_update.unwrap_or_default());
            }
            FrameType::DataMessage => {
                self.data_messages(now, id, frame.data_message.unwrap_or_default().messages);
            }
            FrameType::PrimaryMeetingJoin => {
                self.ask_promotion(now, id, frame.primary_meeting_join.and_then(|join| join.credentials));
            }
            FrameType::PrimaryMeetingLeave => self.demote(now, id),
            _ => {}
        }
    }

    fn ping(&mut self, now: Instant, id: SessionId, frame: &SignalFrame) {
        let Some(ping) = frame.ping_pong.as_ref().filter(|ping| ping.kind() == PingPongType::Ping) else {
            return;
        };
        let pong = SignalFrame {
            ping_pong: Some(PingPong { kind: PingPongType::Pong.into(), ping_id: ping.ping_id }),
            ..self.frame(now, FrameType::PingPong)
        };
        self.send(id, &pong);
    }

    fn join(&mut self, now: Instant, id: SessionId, join: &Join) {
        let Some(session) = self.sessions.get(&id) else { return };
        if session.joined {
            return;
        }
        if session.attendee.content && session.is_viewer() && !self.promote_content(id) {
            return self.refuse_join(now, id, FORBIDDEN, "only who is promoted shares content");
        }
        let Some(session) = self.sessions.get(&id) else { return };
        if session.attendee.content && !session.may_show() {
            return self.refuse_join(now, id, FORBIDDEN, "the attendee may not share content");
        }
        let (attendee, root) = (session.attendee.clone(), session.root().name());
        let same = |session: &Session| session.attendee.name() == attendee.name();
        for other in self.sessions_of(|session| same(session) && session.root().name() != root) {
            if attendee.content {
                self.dismiss(now, other, Farewell::Elsewhere);
            } else {
                self.withdraw_promotion(now, other);
            }
        }
        let older: Vec<(SessionId, bool)> = self
            .sessions
            .iter()
            .filter(|(other, session)| **other != id && session.root().name() == root)
            .map(|(other, session)| {
                (*other, session.audio_session.is_some() && session.audio_session == join.audio_session_id)
            })
            .collect();
        if let Some(what) = self.full(&attendee, &older) {
            return self.refuse_join(now, id, AT_CAPACITY, what);
        }
        let (mut inherited, mut announced) = (None, false);
        for (other, same) in older {
            self.demote(now, other);
            announced |= self.sessions.get(&other).is_some_and(|session| session.announced);
            let place = self.sessions.get_mut(&other);
            let place = place.and_then(|session| session.stream.take().map(|stream| (stream, session.muted)));
            inherited = inherited.or(place);
            if same {
                if self.sessions.get(&other).is_some_and(|session| session.socket) {
                    self.outputs.push_back(Output::Close { session: other, code: 1000 });
                }
                self.forget_session(now, other);
            } else {
                self.tell_farewell(now, other, Farewell::Elsewhere);
                if self.sessions.get(&other).is_some_and(|session| session.socket) {
                    let code = Farewell::Elsewhere.close_code();
                    self.outputs.push_back(Output::Close { session: other, code });
                }
                self.forget_session(now, other);
            }
        }
        let owner = self
            .sessions
            .values()
            .find(|other| {
                attendee.content
                    && other.joined
                    && !other.attendee.content
                    && other.attendee.id == attendee.id
            })
            .map(|other| other.audio);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.joined = true;
        session.announced = announced;
        if let Some((stream, muted)) = inherited {
            // As the others were told it: what its offer says is told when it differs.
            (session.stream, session.muted) = (Some(stream), muted);
        }
        session.audio_session = join.audio_session_id;
        session.adapts = join
            .supported_server_side_network_adaptions()
            .any(|each| each == ServerSideNetworkAdaption::BandwidthProbingAndVideoQualityAdaption);
        session.no_periodic_keyframes =
            join.disable_periodic_keyframe_request_on_content_sender.unwrap_or_default();
        let role = if attendee.content { Role::Content { owner } } else { Role::Attendee };
        let audio = session.audio;
        self.room.join(audio, role);
        if !attendee.content {
            // It may have shared its screen before, through the connection that this one follows.
            let shares =
                |other: &&Session| other.joined && other.attendee.content && other.attendee.id == attendee.id;
            for share in self.sessions.values().filter(shares) {
                self.room.set_owner(share.audio, Some(audio));
            }
        }
        self.apply_capabilities(id);
        if !announced {
            self.event(attendee.clone(), Happened::Authorized);
        }
        let ack = SignalFrame {
            joinack: Some(JoinAck {
                turn_credentials: Some(self.turn_credentials(now, &attendee.name())),
                video_subscription_limit: Some(SUBSCRIPTIONS),
                wants_compressed_sdp: Some(false),
                default_server_side_network_adaption: Some(
                    ServerSideNetworkAdaption::BandwidthProbingAndVideoQualityAdaption.into(),
                ),
            }),
            ..self.frame(now, FrameType::JoinAck)
        };
        self.send(id, &ack);
        let index = self.index_for(now, id);
        self.send(id, &index);
        // The others' count of participants has changed.
        self.stale_index = true;
    }

    fn refuse_join(&mut self, now: Instant, id: SessionId, status: u32, why: &str) {
        let refusal = SignalFrame {
            error: Some(error(status, why)),
            joinack: Some(JoinAck::default()),
            ..self.frame(now, FrameType::JoinAck)
        };
        self.send(id, &refusal);
    }

    /// Why one more cannot join, if so. Sessions that it replaces leave their places to it.
    pub(super) fn full(
        &self,
        attendee: &crate::ids::Attendee,
        older: &[(SessionId, bool)],
    ) -> Option<&'static str> {
        // Those of replicas have places of their own.
        if attendee.replica.is_some() {
            return None;
        }
        let others = self
            .sessions
            .iter()
            .filter(|(id, session)| {
                session.joined && !session.is_viewer() && !older.iter().any(|(older, _)| older == *id)
            })
            .filter(|(_, session)| session.attendee.content == attendee.content)
            .count();
        if attendee.content {
            (others >= self.limits.content_shares)
                .then_some("the meeting has as many content shares as it may")
        } else {
            (others >= self.limits.audio_streams).then_some("the meeting has as many audio streams as it may")
        }
    }

    fn turn_credentials(&self, now: Instant, name: &str) -> TurnCredentials {
        // Present without URIs is the way to say: come directly.
        let Some(turn) = &self.config.turn else { return TurnCredentials::default() };
        let session = turn.session(name, self.wall_ms(now) / 1000);
        TurnCredentials {
            username: Some(session.username),
            password: Some(session.password),
            ttl: u32::try_from(session.ttl.as_secs()).ok(),
            uris: session.uris,
        }
    }

    fn leave(&mut self, now: Instant, id: SessionId) {
        let ack = SignalFrame { leave_ack: Some(LeaveAck {}), ..self.frame(now, FrameType::LeaveAck) };
        self.send(id, &ack);
        // Its socket stays until the client closes it, so that the answer arrives.
        self.drop_session(now, id, Happened::Left);
    }

    /// Takes a session out of everything and tells the others.
    pub(super) fn drop_session(&mut self, now: Instant, id: SessionId, why: Happened) {
        self.demote(now, id);
        let Some(stream) = self.sessions.get(&id).map(|session| session.stream) else { return };
        let Some(attendee) = self.forget_session(now, id) else { return };
        if let Some(stream) = stream {
            self.tell_gone(now, stream, why == Happened::Dropped);
        }
        self.event(attendee, why);
        self.stale_index = true;
    }

    /// Takes a session out of everything without a word; gives its attendee if it had joined.
    fn forget_session(&mut self, now: Instant, id: SessionId) -> Option<crate::ids::Attendee> {
        self.withdraw(id);
        let mut session = self.sessions.remove(&id)?;
        if let Some(peer) = &mut session.peer {
            peer.transport.close(now, &mut self.datagrams);
            self.outputs.push_back(Output::Unroute { session: id });
        }
        self.room.leave(session.audio);
        session.joined.then_some(session.attendee)
    }

    pub(super) fn tell_farewell(&mut self, now: Instant, id: SessionId, why: Farewell) {
        let frame = SignalFrame {
            audio_status: Some(crate::signal::proto::AudioStatus { audio_status: why.audio_status() }),
            ..self.frame(now, FrameType::AudioStatus)
        };
        self.send(id, &frame);
    }
}

pub(super) fn error(status: u32, description: &str) -> Error {
    Error { status: Some(status), description: Some(description.to_owned()) }
}
