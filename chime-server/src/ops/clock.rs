//! The test clock on the wire. Without `--test-clock` its path does not exist.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::api::error::ApiError;
use crate::api::pipeline::collect;
use crate::api::response::{self, RequestId};
use crate::app::App;

/// Bytes of the body.
const MAX_BODY: usize = 4096;
/// Furthest move at once: a hundred years, far within what timestamps hold.
const FURTHEST_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

/// `GET`: the moment.
pub(crate) async fn show(State(app): State<App>, request: Request) -> Response {
    let id = RequestId::take(&mut request.into_parts().0);
    match app.options().test_clock {
        Some(_) => now(&app),
        None => response::failure(&no_clock(), None, &id),
    }
}

/// `POST`: moves the clock, runs all that falls due through it, and tells the moment.
pub(crate) async fn advance(State(app): State<App>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let id = RequestId::take(&mut parts);
    match try_advance(&app, body).await {
        Ok(()) => now(&app),
        Err(error) => {
            response::log(&error);
            response::failure(&error, None, &id)
        }
    }
}

async fn try_advance(app: &App, body: Body) -> Result<(), ApiError> {
    let clock = app.options().test_clock.as_ref().ok_or_else(no_clock)?;
    let body = collect(body, MAX_BODY, app.options().body_timeout).await?;
    let by = serde_json::from_slice(&body).ok().and_then(|Advance { advance_seconds }| {
        (0.0..=FURTHEST_SECONDS).contains(&advance_seconds).then_some(advance_seconds)
    });
    let by = by.ok_or_else(|| {
        ApiError::bad_request("clock", r#"The body must be {"AdvanceSeconds": n}, n a number of at least 0."#)
    })?;
    clock.advance(Duration::from_secs_f64(by));
    app.scheduler().run_due().await?;
    Ok(())
}

fn now(app: &App) -> Response {
    let mut response = Response::new(Body::from(json!({ "Now": app.chime().now().to_string() }).to_string()));
    *response.status_mut() = StatusCode::OK;
    response
}

fn no_clock() -> ApiError {
    ApiError::UnknownOperation("There is no operation at this method and path.".into())
}
