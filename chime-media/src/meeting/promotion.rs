//! Attendees of replicas, who are promoted to attendees of the meeting itself, and back.

use std::time::Instant;

use super::Meeting;
use super::join::{AT_CAPACITY, error};
use crate::audio::Codecs;
use crate::event::{Farewell, Happened, Output};
use crate::ids::{Attendee, SessionId};
use crate::signal::proto::{Credentials, FrameType, PrimaryMeetingJoinAck, PrimaryMeetingLeave, SignalFrame};

/// The credentials are not good, or there is nothing to be promoted from.
const FORBIDDEN: u32 = 403;
/// Its media are not connected yet.
const NOT_YET: u32 = 503;

impl<C: Codecs> Meeting<C> {
    /// A client asks to be promoted.
    pub(super) fn ask_promotion(&mut self, now: Instant, id: SessionId, credentials: Option<Credentials>) {
        let Some(session) = self.sessions.get(&id) else { return };
        match credentials {
            _ if session.root().replica.is_none() => {
                self.refuse_promotion(now, id, FORBIDDEN, "this meeting is no replica");
            }
            _ if !session.informed => self.refuse_promotion(now, id, NOT_YET, "media are not connected"),
            Some(credentials) => self.outputs.push_back(Output::Promote { session: id, credentials }),
            None => self.refuse_promotion(now, id, FORBIDDEN, "no credentials"),
        }
    }

    /// The answer to [`Output::Promote`]: who the client is in the meeting itself, or the status that it is refused with.
    pub fn promote(&mut self, now: Instant, id: SessionId, who: Result<Attendee, u32>) {
        // It may have gone meanwhile.
        if !self.sessions.get(&id).is_some_and(|session| session.informed && session.socket) {
            return;
        }
        let who = match who {
            Ok(who) => who,
            Err(status) => return self.refuse_promotion(now, id, status, "the credentials are not good"),
        };
        let again = self.sessions.get(&id).is_some_and(|session| session.attendee.name() == who.name());
        if !again {
            let others = self.sessions_of(|session| session.attendee.name() == who.name());
            let places: Vec<(SessionId, bool)> =
                others.iter().chain([&id]).map(|one| (*one, false)).collect();
            if let Some(what) = self.full(&who, &places) {
                return self.refuse_promotion(now, id, AT_CAPACITY, what);
            }
            self.demote(now, id);
            for other in others {
                match self.is_promoted(other) {
                    true => self.withdraw_promotion(now, other),
                    false => self.dismiss(now, other, Farewell::Elsewhere),
                }
            }
            if let Some(session) = self.sessions.get_mut(&id) {
                session.root = Some(std::mem::replace(&mut session.attendee, who.clone()));
            }
            self.event(who, Happened::Authorized);
            self.apply_capabilities(id);
            self.appear(now, id, None);
            // It may show itself now, and counts.
            self.stale_index = true;
        }
        let ack = SignalFrame {
            primary_meeting_join_ack: Some(PrimaryMeetingJoinAck {}),
            ..self.frame(now, FrameType::PrimaryMeetingJoinAck)
        };
        self.send(id, &ack);
        self.settle(now);
    }

    /// Ends a promotion, if there is one; the client knows.
    pub(super) fn demote(&mut self, now: Instant, id: SessionId) {
        if !self.is_promoted(id) {
            return;
        }
        self.withdraw(now, id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let stream = session.stream.take();
        let Some(root) = session.root.take() else { return };
        let was = std::mem::replace(&mut session.attendee, root);
        self.apply_capabilities(id);
        if let Some(stream) = stream {
            self.tell_gone(now, stream, false);
        }
        self.event(was, Happened::Left);
        self.stale_index = true;
        self.settle(now);
    }

    /// Ends a promotion, if there is one, and tells the client.
    pub(super) fn withdraw_promotion(&mut self, now: Instant, id: SessionId) {
        if !self.is_promoted(id) {
            return;
        }
        self.demote(now, id);
        let frame = SignalFrame {
            primary_meeting_leave: Some(PrimaryMeetingLeave {}),
            ..self.frame(now, FrameType::PrimaryMeetingLeave)
        };
        self.send(id, &frame);
    }

    fn is_promoted(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.root.is_some())
    }

    fn refuse_promotion(&mut self, now: Instant, id: SessionId, status: u32, why: &str) {
        let refusal = SignalFrame {
            error: Some(error(status, why)),
            primary_meeting_join_ack: Some(PrimaryMeetingJoinAck {}),
            ..self.frame(now, FrameType::PrimaryMeetingJoinAck)
        };
        self.send(id, &refusal);
    }
}
