//! `POST /v2/turn_sessions` (`TurnControlUrl`): what an attendee logs in to our relay with, for clients that are not
//! content with what JOIN_ACK tells them: the mobile SDKs, and `amazon-chime-sdk-js` before 3.20.
//!
//! They send `{"meetingId": "…"}` and the join token as `X-Chime-Auth-Token: _aws_wt_session=TOKEN`; the answer has
//! `username`, `password`, `ttl` in seconds and `uris`.
//!
//! # Our choices
//!
//! - 403 and 404 are the ends of a session for browsers: 403 is a token that is not good, or whose attendee was deleted,
//!   404 a meeting that ended or never was. After the others they try again: 401 without a token, 400 for what is no
//!   question, 409 for a meeting that lives on another node, whose relay is another one.
//! - Without a relay, `uris` is empty: come directly.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chime_domain::error::{ErrorCode, Refusal};
use chime_domain::meetings::AdmitError;
use chime_media::config::RelaySession;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::live::{attendee, home};
use crate::api::pipeline::collect;
use crate::api::response::{self, RequestId};
use crate::api::{ApiError, Namespace};
use crate::app::App;

/// The header with the token.
const TOKEN: &str = "x-chime-auth-token";
/// What precedes the token in it.
const PREFIX: &str = "_aws_wt_session=";
/// Bytes of a body; clients send some 60.
const MAX_BODY: usize = 4 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    meeting_id: String,
}

/// Answers with credentials for the relay.
pub(crate) async fn turn_session(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::take(&mut parts);
    match session(&app, &parts.headers, body).await {
        Ok(RelaySession { username, password, ttl, uris }) => {
            // The iOS SDK reads an integer only.
            let answer =
                json!({ "username": username, "password": password, "ttl": ttl.as_secs(), "uris": uris });
            Response::new(Body::from(answer.to_string()))
        }
        Err(error) => {
            response::log(&error);
            response::failure(&error, Some(Namespace::Meetings), &id)
        }
    }
}

async fn session(app: &App, headers: &HeaderMap, body: Body) -> Result<RelaySession, ApiError> {
    let body = collect(body, MAX_BODY, app.options().body_timeout).await?;
    let Some(media) = app.media() else {
        return Err(Refusal::not_found("MTG-02", "This server has no media.").into());
    };
    let token = token(headers).ok_or_else(|| {
        let message = "The header X-Chime-Auth-Token has to carry _aws_wt_session= and a join token.";
        Refusal::new(ErrorCode::UnauthorizedClient, "MTG-04", message)
    })?;
    let Question { meeting_id } = serde_json::from_slice(&body)
        .map_err(|_| ApiError::bad_request("MTG-02", "The body has to be an object with a meetingId."))?;
    let admission = app.chime().meetings().admit(&meeting_id, token).await.map_err(refusal)?;
    if home(&admission).node != media.node() {
        let message = "The meeting is on another server. Ask for the meeting again.";
        return Err(Refusal::conflict("MTG-02", message).into());
    }
    Ok(media.0.engine.relay_session(&attendee(&admission).name()))
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get(TOKEN)?.to_str().ok()?.strip_prefix(PREFIX).filter(|token| !token.is_empty())
}

fn refusal(error: AdmitError) -> ApiError {
    match error {
        AdmitError::Store(error) => error.into(),
        AdmitError::UnknownMeeting => {
            Refusal::not_found("MTG-19", "The meeting does not exist or has ended.").into()
        }
        _ => Refusal::forbidden("MTG-05", "The join token is not good.").into(),
    }
}
