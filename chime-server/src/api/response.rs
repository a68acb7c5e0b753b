//! The form of every answer (wire rules ).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chime_domain::error::{ServiceError, StoreError};
use http::header::{CONNECTION, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};

use super::cors;
use super::error::ApiError;
use super::namespace::Namespace;
use super::pipeline::Known;
use super::reply::Reply;
use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The id of a request, a UUID.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// The id that [`stamp`] gave.
    pub(crate) fn take(parts: &mut Parts) -> Self {
        parts.extensions.remove().unwrap_or_else(|| Self("".into()))
    }
}

/// Gives every request an id, and every answer that id, a date from the clock port, a type, and the CORS headers.
pub(crate) async fn stamp(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId(app.chime().entropy().uuid().into());
    let value = HeaderValue::from_str(&id.0);
    let shared_with = cors::origin_wants(&request);
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    if let Ok(id) = value {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(date) = HeaderValue::from_str(&app.chime().now().http_date()) {
        headers.insert(DATE, date);
    }
    if status != StatusCode::SWITCHING_PROTOCOLS {
        headers.entry(CONTENT_TYPE).or_insert(JSON);
    }
    if shared_with {
        cors::expose(headers);
    }
    response
}

/// The answer of a handler.
pub(crate) fn success(reply: Reply, known: &Known) -> Response {
    let by_row =
        known.operation.zip(known.namespace).map(|(operation, namespace)| operation.code_in(namespace));
    let by_row = by_row.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    let status = reply.status.unwrap_or(by_row);
    let body = if status == StatusCode::NO_CONTENT { Body::empty() } else { Body::from(reply.body) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// The answer to anything that went wrong.
pub(crate) fn failure(error: &ApiError, namespace: Option<Namespace>, id: &RequestId) -> Response {
    failure_about(error, namespace, id, None)
}

/// The same, where the request names a resource that has tags.
pub(crate) fn failure_about(
    error: &ApiError,
    namespace: Option<Namespace>,
    id: &RequestId,
    tagged: Option<&str>,
) -> Response {
    let wire = error.on_the_wire(namespace);
    let mut response = Response::new(Body::from(wire.body(namespace, &id.0, tagged)));
    *response.status_mut() = wire.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ERROR_TYPE, HeaderValue::from_static(wire.name));
    if let Some(seconds) = wire.retry_after() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if matches!(error, ApiError::TooSlow) {
        // What is left of the body would be read as the next request.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The name of the error that an answer tells.
pub(crate) fn error_name(answer: &Response) -> Option<&str> {
    answer.headers().get(ERROR_TYPE).and_then(|name| name.to_str().ok())
}

/// Refusals are for who debugs; a store that cannot serve is a warning; what somebody should act on is an error.
pub(crate) fn log(error: &ApiError) {
    match error {
        ApiError::Service(ServiceError::Store(error)) => log_store(error),
        ApiError::Service(ServiceError::Unavailable { what, source }) => {
            tracing::warn!(%what, %source, "a part of the service is unavailable");
        }
        ApiError::Failure => tracing::error!("a handler panicked or gave what cannot be written"),
        refused => tracing::debug!(reason = %refused, "refused"),
    }
}

/// The same for a store's failure alone.
pub(crate) fn log_store(error: &StoreError) {
    match error {
        StoreError::Unavailable { reason, source } => {
            tracing::warn!(%reason, source = source.as_ref().map(|e| e.to_string()), "the store is unavailable");
        }
        StoreError::Corrupt { what, source } => {
            tracing::error!(%what, source = source.as_ref().map(|e| e.to_string()), "stored data is corrupt");
        }
        refused => tracing::debug!(reason = %refused, "refused"),
    }
}
