//! The fixed paths of the server; everything else is the API.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::{any, get, post};

use crate::api::{cors, pipeline, response};
use crate::app::App;
use crate::{demo, explain, media, meetings, ops, query, ws};

/// The whole server as a router, to be served or to be mounted in another.
///
/// Mounted below a path with `nest`, it serves clients whose endpoint has that path: signatures are checked over the
/// path as it was sent.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/connect", get(ws::connect))
        .route("/livez", get(ops::livez))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .route("/_chime/web-push-key", get(ops::web_push_key))
        .route("/_chime/clock", get(ops::clock::show).post(ops::clock::advance))
        .route("/_chime/explain", post(explain::endpoint::serve))
        .route("/_chime/meetings/{meeting}/client-events", get(meetings::kept))
        .route("/demo/meeting", get(demo::page))
        .route("/demo/meeting.js", get(demo::script))
        .route("/demo/meeting/join", post(demo::join))
        .route("/control/{meeting}", get(media::control))
        .route("/v2/turn_sessions", post(media::turn_session).options(meetings::preflight))
        .route("/calls/{meeting}", any(meetings::unserved))
        .route("/v2/screen/{meeting}", any(meetings::unserved))
        .route("/ws/connect", any(meetings::unserved))
        .route("/events/{meeting}", post(meetings::ingest).options(meetings::preflight))
        .method_not_allowed_fallback(ops::method_not_allowed)
        .fallback(api)
        .layer(middleware::from_fn_with_state(app.clone(), response::stamp))
        .with_state(app)
}

async fn api(state: State<App>, request: Request) -> Response {
    if meetings::is_probe(&state, &request) {
        return meetings::nearest(state, request).await;
    }
    if cors::is_preflight(&request) {
        return cors::preflight(&request);
    }
    if query::is_query(&request) {
        return query::serve(state, request).await;
    }
    pipeline::serve(state, request).await
}
