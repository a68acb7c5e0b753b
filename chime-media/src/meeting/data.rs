//! Data messages between attendees (rule MED-12; the signaling guide, section 8.6).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Meeting;
use crate::audio::Codecs;
use crate::ids::SessionId;
use crate::signal::proto::{DataMessageFrame, DataMessagePayload, FrameType, SignalFrame};

/// Most bytes of a message (rule MED-12).
const MAX_DATA: usize = 2048;
/// Longest topic.
const MAX_TOPIC: usize = 36;
/// Longest time that a message is kept for those who come late.
const MAX_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Most messages that are kept.
const MAX_KEPT: usize = 1024;
/// Messages per second of a meeting, and how many may come at once, before they are sent back.
const MEETING_RATE: (f64, f64) = (100.0, 200.0);
/// The same of an attendee, before they are left out.
const ATTENDEE_RATE: (f64, f64) = (200.0, 2000.0);

/// Messages that are kept, and what is left of the meeting's rate.
#[derive(Debug, Default)]
pub(super) struct Messages {
    kept: VecDeque<(Instant, DataMessagePayload)>,
    allowance: Option<(f64, Instant)>,
}

impl Messages {
    fn keep(&mut self, now: Instant, message: &DataMessagePayload) {
        let lifetime =
            Duration::from_millis(u64::from(message.lifetime_ms.unwrap_or_default())).min(MAX_LIFETIME);
        if lifetime.is_zero() {
            return;
        }
        if self.kept.len() >= MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((now + lifetime, message.clone()));
    }

    fn alive(&mut self, now: Instant) -> Vec<DataMessagePayload> {
        self.kept.retain(|(until, _)| *until > now);
        self.kept.iter().map(|(_, message)| message.clone()).collect()
    }
}

/// Takes a token out of a bucket that fills at a rate up to a size.
fn take(bucket: &mut Option<(f64, Instant)>, (rate, size): (f64, f64), now: Instant) -> bool {
    let (tokens, at) = bucket.unwrap_or((size, now));
    let tokens = now.saturating_duration_since(at).as_secs_f64().mul_add(rate, tokens).min(size);
    let enough = tokens >= 1.0;
    *bucket = Some((if enough { tokens - 1.0 } else { tokens }, now));
    enough
}

/// Whether a client may send this: it checks as much itself.
fn is_valid(message: &DataMessagePayload) -> bool {
    let topic = message.topic.as_deref().unwrap_or_default();
    let named = topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let data = message.data.as_ref().map_or(0, Vec::len);
    (1..=MAX_TOPIC).contains(&topic.len()) && named && data <= MAX_DATA
}

impl<C: Codecs> Meeting<C> {
    pub(super) fn data_messages(&mut self, now: Instant, id: SessionId, messages: Vec<DataMessagePayload>) {
        let ingest = i64::try_from(self.wall_ns(now)).unwrap_or(i64::MAX);
        let Some(session) = self.sessions.get_mut(&id).filter(|session| !session.is_viewer()) else { return };
        let attendee = session.attendee.clone();
        let (mut good, mut throttled) = (Vec::new(), Vec::new());
        for message in messages.into_iter().filter(is_valid) {
            if !take(&mut session.allowance, ATTENDEE_RATE, now) {
                continue;
            }
            let within = take(&mut self.messages.allowance, MEETING_RATE, now);
            let message = DataMessagePayload {
                sender_attendee_id: Some(attendee.name()),
                sender_external_user_id: Some(attendee.external_user_id.to_string()),
                ingest_time_ns: Some(if within { ingest } else { 0 }),
                ..message
            };
            if within {
                self.messages.keep(now, &message);
                good.push(DataMessagePayload { lifetime_ms: None, ..message });
            } else {
                throttled.push(message);
            }
        }
        let frame = |this: &Self, messages| SignalFrame {
            data_message: Some(DataMessageFrame { messages }),
            ..this.frame(now, FrameType::DataMessage)
        };
        if !throttled.is_empty() {
            let frame = frame(self, throttled);
            self.send(id, &frame);
        }
        if good.is_empty() {
            return;
        }
        let frame = frame(self, good);
        let others: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(other, session)| **other != id && session.joined && !session.attendee.content)
            .map(|(other, _)| *other)
            .collect();
        for other in others {
            self.send(other, &frame);
        }
    }

    /// What was said before a client came, and is still good.
    pub(super) fn tell_kept_messages(&mut self, now: Instant, id: SessionId) {
        let messages = self.messages.alive(now);
        if messages.is_empty() {
            return;
        }
        let frame = SignalFrame {
            data_message: Some(DataMessageFrame { messages }),
            ..self.frame(now, FrameType::DataMessage)
        };
        self.send(id, &frame);
    }
}
