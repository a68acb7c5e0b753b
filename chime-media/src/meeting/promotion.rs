//! Attendees of replicas, who are promoted to attendees of the meeting itself, and back.
//!
//! A client that is promoted shares content with the credentials of its replica, as it has no other for a share. Its
//! share is that of whom it was promoted to be, and ends with the promotion. It alone is told of it by the name that it
//! gave it, by which it knows that it is its own.

use std::time::Instant;

use super::Meeting;
use super::join::{AT_CAPACITY, FORBIDDEN, error};
use super::session::Session;
use crate::audio::Codecs;
use crate::event::{Farewell, Happened, Output};
use crate::ids::{Attendee, SessionId};
use crate::signal::proto::{Credentials, FrameType, PrimaryMeetingJoinAck, PrimaryMeetingLeave, SignalFrame};

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
            self.withdraw_forbidden(id);
            self.appear(now, id, false);
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

    /// A content share of a replica's attendee becomes one of whom that was promoted to be, if it was.
    pub(super) fn promote_content(&mut self, id: SessionId) -> bool {
        let Some(sharing) = self.sessions.get(&id).map(|session| session.attendee.clone()) else {
            return false;
        };
        let owner = self.sessions.values().find(|session| is_owner(session, &sharing));
        let Some(who) = owner.map(|session| Attendee { content: true, ..session.attendee.clone() }) else {
            return false;
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.root = Some(std::mem::replace(&mut session.attendee, who));
        }
        true
    }

    /// The session of whoever shares content as somebody that it was promoted to be, and what it takes itself for.
    pub(super) fn owner_of_promoted(&self, id: SessionId) -> Option<(SessionId, Attendee)> {
        let sharing = self.sessions.get(&id).filter(|session| session.attendee.content)?.root.clone()?;
        let owner = self.sessions.iter().find(|(_, session)| is_owner(session, &sharing));
        owner.map(|(owner, _)| (*owner, sharing))
    }

    /// Ends a promotion, if there is one, and the content share of it; the client knows.
    pub(super) fn demote(&mut self, now: Instant, id: SessionId) {
        if !self.is_promoted(id) {
            return;
        }
        let shares = |of: SessionId| self.owner_of_promoted(of).is_some_and(|(owner, _)| owner == id);
        let shares: Vec<SessionId> = self.sessions.keys().copied().filter(|of| shares(*of)).collect();
        for share in shares {
            self.dismiss(now, share, Farewell::Removed);
        }
        self.withdraw(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let stream = session.stream.take();
        let Some(root) = session.root.take() else { return };
        let was = std::mem::replace(&mut session.attendee, root);
        self.apply_capabilities(id);
        self.withdraw_forbidden(id);
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

    /// Whether it is somebody who was promoted; a share of content is not, but goes with that.
    fn is_promoted(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.root.is_some() && !session.attendee.content)
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

/// Whether a session is that of the promoted attendee who shares this.
fn is_owner(session: &Session, sharing: &Attendee) -> bool {
    let root = session.root.as_ref().filter(|_| session.joined && !session.attendee.content);
    root.is_some_and(|root| root.id == sharing.id && root.replica == sharing.replica)
}
