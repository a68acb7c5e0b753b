//! `/demo/meeting`: a page with which people meet, in the browser and without an AWS client.
//!
//! The page is made of `chime-server/web` when the server is built (`scripts/web.sh`, `build.rs`); it uses the unmodified
//! browser SDK as any application would. What an application's own back end does, `POST /demo/meeting/join` does for it:
//! it makes the meeting of a room, if need be, and an attendee.
//!
//! # Our choices
//!
//! - Whoever may ask for it may meet. So by default only browsers on the server's own machine may: their requests come
//!   from it, name it, and were forwarded by nobody. An operator opens it to all, or closes it (`demo`).
//! - A room is one meeting while that lives. Its attendees are deleted by nobody; they end with the meeting.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chime_domain::error::ServiceError;
use chime_domain::ids::ClientRequestToken;
use chime_domain::meetings::{CreateAttendee, CreateMeeting};
use chime_domain::text::{ExternalMeetingId, ExternalUserId};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, FORWARDED, ORIGIN, VIA};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::pipeline::collect;
use crate::api::{ApiError, Source};
use crate::app::App;
use crate::http::Target;
use crate::meetings::{as_reached, is_loopback};

/// The page, and its script.
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/meeting.html"));
const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/meeting.js"));
/// Bytes of a body.
const MAX_BODY: usize = 4096;
/// What the page may do: talk to wherever its meetings are, and use the SDK's workers, which it makes itself.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src *; img-src 'self' data:; media-src 'self' blob: data:; worker-src blob:; \
     script-src 'self' blob: 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
);

/// Who may use the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demo {
    /// Nobody: it does not exist.
    Off,
    /// Browsers on this machine.
    #[default]
    Local,
    /// Everybody who can reach the server.
    On,
}

impl Demo {
    fn admits(self, parts: &Parts) -> bool {
        let forwarded = |headers: &HeaderMap| {
            headers.contains_key(FORWARDED)
                || headers.contains_key(VIA)
                || headers.keys().any(|name| name == "x-real-ip" || name.as_str().starts_with("x-forwarded-"))
        };
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Local => {
                let here = Source::of(parts).ip.is_some_and(|ip| ip.to_canonical().is_loopback());
                here && is_loopback(Target::of(parts).host) && !forwarded(&parts.headers)
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Join {
    room: String,
    name: String,
}

impl Join {
    fn is_whole(&self) -> bool {
        !self.room.trim().is_empty() && !self.name.trim().is_empty()
    }
}

/// `GET /demo/meeting`.
pub(crate) async fn page(State(app): State<App>, request: Request) -> Response {
    file(&app, &request.into_parts().0, PAGE, "text/html; charset=utf-8")
}

/// `GET /demo/meeting.js`.
pub(crate) async fn script(State(app): State<App>, request: Request) -> Response {
    file(&app, &request.into_parts().0, SCRIPT, "text/javascript; charset=utf-8")
}

fn file(app: &App, parts: &Parts, content: &'static str, kind: &'static str) -> Response {
    if !app.options().demo.admits(parts) {
        return answer(StatusCode::NOT_FOUND, &json!({ "Message": "There is nothing here." }));
    }
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// `POST /demo/meeting/join`: the meeting of a room, and an attendee with the name that was given.
pub(crate) async fn join(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Pages of other origins cannot send JSON without asking first, and are not answered when they do.
    let is_json =
        parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !app.options().demo.admits(&parts) || !is_of_own_page(&parts) {
        return answer(StatusCode::NOT_FOUND, &json!({ "Message": "There is nothing here." }));
    }
    let asked = match collect(body, MAX_BODY, app.options().body_timeout).await {
        Ok(body) if is_json => serde_json::from_slice::<Join>(&body).ok().filter(Join::is_whole),
        _ => None,
    };
    let Some(asked) = asked else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "Message": "Room and Name are needed, as JSON." }));
    };
    match meet(&app, &parts, &asked).await {
        Ok(joined) => answer(StatusCode::OK, &joined),
        Err(error) => answer(error.status(), &json!({ "Message": error.to_string() })),
    }
}

fn is_of_own_page(parts: &Parts) -> bool {
    let Some(origin) = parts.headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(Target::of(parts).host))
}

async fn meet(app: &App, parts: &Parts, asked: &Join) -> Result<Value, ApiError> {
    let wrong =
        |member: &'static str| move |error: chime_domain::text::TextError| ApiError::from(error.of(member));
    let room = format!("demo-{}", asked.room);
    // A room may have any name; a request token may not.
    let code = ring::digest::digest(&ring::digest::SHA256, room.as_bytes());
    let token: String = code.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let mut meeting =
        CreateMeeting::new(ClientRequestToken::new(format!("demo-{token}")).map_err(wrong("Room"))?);
    meeting.external_id = Some(ExternalMeetingId::new(room.as_str()).map_err(wrong("Room"))?);
    let name: String = asked.name.chars().filter(|c| !c.is_control() && *c != '#').take(48).collect();
    let user =
        format!("{}#{}", name.trim(), app.chime().entropy().uuid().split('-').next().unwrap_or_default());
    let attendee = CreateAttendee::new(ExternalUserId::new(user).map_err(wrong("Name"))?);
    let meetings = app.chime().meetings();
    let mut tries = 0;
    let (meeting, attendee) = loop {
        let meeting = meetings.create_meeting(&meeting).await?;
        match meetings.create_attendee(&meeting.id, attendee.clone()).await {
            Ok(attendee) => break (meeting, attendee),
            // It ended in between.
            Err(ServiceError::Refused(_)) if tries < 2 => tries += 1,
            Err(error) => return Err(error.into()),
        }
    };
    let placement = as_reached(app, Target::of(parts).host, Source::of(parts).secure, &meeting.placement);
    Ok(json!({
        "Meeting": {
            "MeetingId": meeting.id,
            "ExternalMeetingId": meeting.external_id,
            "MediaRegion": meeting.media_region,
            "MediaPlacement": placement,
        },
        "Attendee": {
            "AttendeeId": attendee.id,
            "ExternalUserId": attendee.external_user_id,
            "JoinToken": attendee.join_token,
        },
    }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
