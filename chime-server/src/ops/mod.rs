//! What operators ask: is it alive, can it serve, what did it do. Unsigned, and never about anybody's data.

pub(crate) mod clock;
mod export;
mod health;
mod metrics;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::api::response::{self, RequestId};
use crate::app::App;

pub use health::{Condition, Health};
pub use metrics::Metrics;

/// The process runs.
pub(crate) async fn livez() -> Response {
    answer(StatusCode::OK, &json!({ "Alive": true }))
}

/// The process can serve; if not, why.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let store = match app.chime().store().newest().await {
        Ok(_) => Condition::Good,
        Err(error) => {
            tracing::debug!(%error, "not ready");
            Condition::Bad("unavailable")
        }
    };
    let health = app.health();
    let serving =
        if app.shutdown().is_draining() { Condition::Bad("shutting down") } else { Condition::Good };
    let checks =
        [("store", store), ("scheduler", health.scheduler()), ("tls", health.tls()), ("serving", serving)];
    let ready = checks.iter().all(|(_, condition)| condition.is_good());
    let checks: serde_json::Map<_, _> = checks
        .iter()
        .map(|(name, condition)| ((*name).to_owned(), Value::from(condition.to_string())))
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &json!({ "Ready": ready, "Checks": checks }))
}

/// Counters in the text form of Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    if let Ok(backlog) = app.backlog().await {
        app.metrics().backlog_is(backlog);
    }
    let mut response = Response::new(Body::from(app.metrics().render()));
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// A path of the server with a method it does not know.
pub(crate) async fn method_not_allowed(request: Request) -> Response {
    let id = RequestId::take(&mut request.into_parts().0);
    response::failure(&ApiError::MethodNotAllowed, None, &id)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response
}
