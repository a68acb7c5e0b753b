//! What operators ask: is it alive, can it serve, what did it do. Unsigned, and never about anybody's data.

pub(crate) mod audit;
pub(crate) mod clock;
mod export;
mod health;
mod metrics;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chime_domain::error::StoreError;
use chime_domain::ports::{Batch, Change, Entity, Key, Record};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::api::response::{self, RequestId};
use crate::app::App;

pub use audit::Audit;
pub use health::{Condition, Health};
pub use metrics::Metrics;

/// The process runs.
pub(crate) async fn livez() -> Response {
    answer(StatusCode::OK, &json!({ "Alive": true }))
}

/// The process can serve; if not, why.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let health = app.health();
    let store = match store_answers(&app).await {
        Ok(()) => Condition::Good,
        Err(error) => {
            tracing::debug!(%error, "not ready");
            Condition::Bad("unavailable")
        }
    };
    health.set_store(store);
    let leaving = health.is_leaving() || app.shutdown().is_draining();
    let serving = if leaving { Condition::Bad("shutting down") } else { Condition::Good };
    let checks = [
        ("store", store),
        ("scheduler", health.scheduler()),
        ("tls", health.tls()),
        ("bus", health.bus()),
        ("serving", serving),
    ];
    for (part, condition) in &checks {
        app.metrics().ready(part, condition.is_good());
    }
    let ready = checks.iter().all(|(_, condition)| condition.is_good());
    let checks: serde_json::Map<_, _> = checks
        .iter()
        .map(|(name, condition)| ((*name).to_owned(), Value::from(condition.to_string())))
        .collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer(status, &json!({ "Ready": ready, "Checks": checks }))
}

/// Whether the store answers. One that has failed a request since the last look has to show that it can write again.
async fn store_answers(app: &App) -> Result<(), StoreError> {
    let store = app.chime().store();
    store.newest().await?;
    if app.health().store().is_good() {
        return Ok(());
    }
    let probe = Change::Put(Key::new("probe", &["readiness"]), Record::of(Probe));
    let batch = Batch { guards: Vec::new(), changes: vec![probe], announce: Vec::new() };
    store.commit(batch).await.map(drop)
}

/// What a probe writes.
#[derive(Serialize, Deserialize)]
struct Probe;

impl Entity for Probe {
    const NAME: &'static str = "probe";
}

/// Counters in the text form of Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    if let Ok(backlog) = app.backlog().await {
        app.metrics().backlog_is(backlog);
    }
    let media = app.media().map(crate::media::Media::render).unwrap_or_default();
    let mut response = Response::new(Body::from(app.metrics().render() + &media));
    let text = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// The key that browsers subscribe to push notifications with.
pub(crate) async fn web_push_key(State(app): State<App>) -> Response {
    match &app.options().web_push_key {
        Some(key) => answer(StatusCode::OK, &json!({ "PublicKey": key })),
        None => answer(StatusCode::NOT_FOUND, &json!({ "Message": "Browsers are not pushed to." })),
    }
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
