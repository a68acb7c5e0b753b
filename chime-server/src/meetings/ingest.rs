//! What clients tell of themselves: the event ingestion of the browser SDK.
//!
//! `POST /events/{meetingId}` with the join token, in the `Authorization` header or, as a beacon, in the body. What is
//! told is counted, and the last of it is kept in memory for the account's owner: `GET
//! /_chime/meetings/{meetingId}/client-events`, signed.
//!
//! # Our choices
//!
//! - A token that is not of the meeting is refused with 403. One of a meeting that has ended is good: the last events are
//!   told after the end.
//! - Nothing that goes wrong here is a 5xx or a 429, which clients would repeat fifteen times.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use chime_domain::access::policy::Layer;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::time::Timestamp;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::pipeline::collect;
use crate::api::response::{self, RequestId};
use crate::api::{ApiError, Source, cors};
use crate::app::App;
use crate::auth;
use crate::http::Target;

/// Bytes of a body.
const MAX_BODY: usize = 128 * 1024;
/// Bytes that the metadata of all events of a body may come to, since each is kept with it.
const MAX_METADATA: usize = 1024 * 1024;
/// Events that are kept of one meeting, and may be in a body.
const OF_A_MEETING: usize = 1000;
/// Bytes that are kept of all.
const OF_ALL: usize = 8 * 1024 * 1024;

/// Bytes of an event beside its text, about.
const BESIDE: usize = 256;

/// The names that the browser SDK gives to events; others are counted together, so that labels stay bounded.
const NAMES: [&str; 22] = [
    "meetingStartRequested",
    "meetingStartSucceeded",
    "meetingStartFailed",
    "meetingEnded",
    "meetingFailed",
    "meetingReconnected",
    "attendeePresenceReceived",
    "audioInputSelected",
    "audioInputUnselected",
    "audioInputFailed",
    "videoInputSelected",
    "videoInputUnselected",
    "videoInputFailed",
    "signalingDropped",
    "receivingAudioDropped",
    "sendingAudioFailed",
    "sendingAudioRecovered",
    "deviceLabelTriggerFailed",
    "networkConditionsChanged",
    "contentShareStarted",
    "contentShareStopped",
    "contentShareFailed",
];

/// The last of what clients told. Clones are not made: the server has one.
#[derive(Debug, Default)]
pub struct ClientEvents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Event>,
    bytes: usize,
    of: HashMap<MeetingId, usize>,
}

#[derive(Debug)]
struct Event {
    meeting: MeetingId,
    attendee: AttendeeId,
    received: Timestamp,
    text: String,
}

impl Kept {
    fn forget(&mut self, at: usize) {
        let Some(event) = self.events.remove(at) else { return };
        self.bytes = self.bytes.saturating_sub(event.text.len() + BESIDE);
        if let Some(count) = self.of.get_mut(&event.meeting) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of.remove(&event.meeting);
            }
        }
    }

    fn keep(&mut self, event: Event) {
        self.bytes += event.text.len() + BESIDE;
        let count = self.of.entry(event.meeting.clone()).or_default();
        *count += 1;
        if *count > OF_A_MEETING
            && let Some(oldest) = self.events.iter().position(|known| known.meeting == event.meeting)
        {
            self.forget(oldest);
        }
        self.events.push_back(event);
        while self.bytes > OF_ALL {
            self.forget(0);
        }
    }
}

impl ClientEvents {
    fn keep(&self, event: Event) {
        // What a panic leaves behind is a list of whole events still.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(event);
    }

    fn of(&self, meeting: &MeetingId) -> Vec<Value> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let show = |event: &Event| {
            json!({
                "AttendeeId": event.attendee,
                "Received": event.received.to_string(),
                "Event": serde_json::from_str::<Value>(&event.text).unwrap_or_default(),
            })
        };
        kept.events.iter().filter(|event| event.meeting == *meeting).map(show).collect()
    }
}

/// What is read of a body; its metadata names browser and system, and is kept with the events.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    events: Vec<Batch>,
    authorization: Option<String>,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    payloads: Vec<Value>,
}

/// `OPTIONS`: pages of any origin may tell.
pub(crate) async fn preflight(request: Request) -> Response {
    cors::preflight(&request)
}

/// `POST`: takes in what a client tells.
pub(crate) async fn ingest(
    State(app): State<App>,
    Path(meeting): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let status = match collect(body, MAX_BODY, app.options().body_timeout).await {
        Ok(body) => take(&app, &meeting, &parts, &body),
        Err(ApiError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = Response::new(Body::from("{}"));
    *response.status_mut() = status;
    response
}

fn take(app: &App, meeting: &str, parts: &Parts, body: &[u8]) -> StatusCode {
    let Ok(told) = serde_json::from_slice::<Told>(body) else { return StatusCode::BAD_REQUEST };
    let in_header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = in_header.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
    let token = token.or(told.authorization.as_deref()).unwrap_or_default();
    let Some((meeting, attendee)) = app.chime().meetings().token_holder(meeting, token) else {
        return StatusCode::FORBIDDEN;
    };
    let metadata = told.metadata.to_string();
    let payloads = || told.events.iter().flat_map(|batch| &batch.payloads);
    let count = payloads().count();
    if count > OF_A_MEETING || count.saturating_mul(metadata.len()) > MAX_METADATA {
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    for payload in payloads() {
        let name = payload.get("name").and_then(Value::as_str).unwrap_or_default();
        app.metrics().client_event(NAMES.iter().find(|known| **known == name).copied().unwrap_or("other"));
        let text = format!(r#"{{"metadata":{metadata},"payload":{payload}}}"#);
        let (meeting, attendee) = (meeting.clone(), attendee.clone());
        app.client_events().keep(Event { meeting, attendee, received: app.chime().now(), text });
    }
    StatusCode::OK
}

/// `GET`: what the clients of a meeting told, for the account's owner.
pub(crate) async fn kept(State(app): State<App>, Path(meeting): Path<String>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::take(&mut parts);
    match show(&app, &meeting, &parts, body).await {
        Ok(body) => Response::new(Body::from(body.to_string())),
        Err(error) => {
            response::log(&error);
            response::failure(&error, None, &id)
        }
    }
}

async fn show(app: &App, meeting: &str, parts: &Parts, body: Body) -> Result<Value, ApiError> {
    let body = collect(body, MAX_BODY, app.options().body_timeout).await?;
    let target = Target::of(parts);
    let headers = target.headers(parts);
    let signed = target.signed_request(parts, &headers, &body, Source::of(parts));
    let caller = auth::authenticate(app, &signed, &["chime"]).await?.caller;
    if !caller.policies.is_owner() || !caller.policies.policies(Layer::Session).is_empty() {
        return Err(ApiError::AccessDenied(format!(
            "User: {} is not the owner of the account, who alone may read what clients told.",
            caller.arn
        )));
    }
    let meeting = MeetingId::new(meeting).map_err(|error| ApiError::from(error.of("MeetingId")))?;
    Ok(json!({ "Events": app.client_events().of(&meeting) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> String {
        format!("00000000-0000-4000-8000-{n:012x}")
    }

    fn event(meeting: usize, text: &str) -> Event {
        let (meeting, attendee) = (MeetingId::new(id(meeting)).unwrap(), AttendeeId::new(id(0)).unwrap());
        Event { meeting, attendee, received: Timestamp::from_millis(0), text: text.to_owned() }
    }

    #[test]
    fn the_last_events_of_each_meeting_are_kept_within_bounds() {
        let events = ClientEvents::default();
        let of = |n: usize| events.of(&MeetingId::new(id(n)).unwrap());
        events.keep(event(1, "0"));
        for n in 0..OF_A_MEETING + 5 {
            events.keep(event(2, &n.to_string()));
        }
        assert_eq!((of(1).len(), of(2).len()), (1, OF_A_MEETING));
        assert_eq!(of(2)[0]["Event"], 5);
        let large = "1".repeat(OF_ALL / 4);
        for n in 3..20 {
            events.keep(event(n, &large));
        }
        assert_eq!((of(1).len(), of(2).len(), of(19).len()), (0, 0, 1));
        let kept = events.0.lock().unwrap();
        assert!(kept.bytes <= OF_ALL && kept.of.len() == kept.events.len(), "{}", kept.of.len());
    }
}
