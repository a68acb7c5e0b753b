//! The question over HTTP, for the account's owner.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chime_domain::access::policy::Layer;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tracing::{Instrument, field};

use super::{Explained, Question, explain};
use crate::api::pipeline::collect;
use crate::api::response::{self, RequestId};
use crate::api::{ApiError, Source};
use crate::app::App;
use crate::auth;
use crate::http::Target;

/// Where the server answers questions.
pub(super) const PATH: &str = "/_chime/explain";
/// The header that says what the text comes to.
pub(super) const VERDICT: &str = "x-chime-verdict";
/// What it says of a request that is allowed, and of one that is not.
pub(super) const ALLOWED: &str = "allowed";
const DENIED: &str = "denied";
/// The signing name of the path.
pub(super) const SERVICE: &str = "chime";
/// Bytes of the body.
const MAX_BODY: usize = 64 * 1024;

/// `POST`: a [`Question`] in JSON; the explanation as text.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::take(&mut parts);
    let span = tracing::info_span!("request", id = %id.0, operation = "explain", caller.arn = field::Empty);
    match answer(&app, &parts, body).instrument(span.clone()).await {
        Ok(explained) => {
            let mut response = Response::new(Body::from(explained.text));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            let verdict = if explained.allowed { ALLOWED } else { DENIED };
            headers.insert(VERDICT, HeaderValue::from_static(verdict));
            response
        }
        Err(error) => {
            span.in_scope(|| response::log(&error));
            response::failure(&error, None, &id)
        }
    }
}

async fn answer(app: &App, parts: &Parts, body: Body) -> Result<Explained, ApiError> {
    let body = collect(body, MAX_BODY, app.options().body_timeout).await?;
    let target = Target::of(parts);
    let headers = target.headers(parts);
    let signed = target.signed_request(parts, &headers, &body, Source::of(parts));
    let caller = auth::authenticate(app, &signed, &[SERVICE]).await?.caller;
    tracing::Span::current().record("caller.arn", caller.arn.as_str());
    if !app.admit_question(app.chime().now()) {
        return Err(ApiError::Throttled);
    }
    // A session of the owner may be narrowed, and then it is not for the policies of everybody.
    if !caller.policies.is_owner() || !caller.policies.policies(Layer::Session).is_empty() {
        return Err(ApiError::AccessDenied(format!(
            "User: {} is not the owner of the account, who alone may ask for explanations.",
            caller.arn
        )));
    }
    let question: Question = serde_json::from_slice(&body).map_err(|error| {
        ApiError::bad_request("explain", format!("The question cannot be read: {error}."))
    })?;
    Ok(explain(app, &question).await?)
}
