//! The handshake of `GET /connect`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::admit::admit;
use super::session;
use crate::api::ApiError;
use crate::api::response::{RequestId, failure};
use crate::app::App;
use crate::http::Peer;

/// Opens a session. What is no WebSocket handshake is a 400, or a 426 for a version that is not spoken; everything
/// else is told by a close code after the handshake (wire rule S-06).
pub(crate) async fn connect(State(app): State<App>, mut request: Request) -> Response {
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (mut parts, _) = request.into_parts();
    let id = RequestId::take(&mut parts);
    let (Some(upgrade), Some(key)) = (upgrade, handshake_key(&parts)) else {
        let error =
            ApiError::bad_request("S-06", "This path speaks WebSocket: an upgrade request is required.");
        let mut answer = failure(&error, None, &id);
        if parts.headers.contains_key(SEC_WEBSOCKET_KEY) {
            *answer.status_mut() = StatusCode::UPGRADE_REQUIRED;
            answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        return answer;
    };
    let admitted = admit(&app, &parts).await;
    session::spawn(app, upgrade, parts.extensions.remove::<Peer>(), admitted);
    switching(&key)
}

/// The answer that a handshake with this key is through.
pub(crate) fn switching(key: &[u8]) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}

/// The client's key, when the request is a handshake of version 13 (RFC 6455 section 4.2.1).
pub(crate) fn handshake_key(parts: &Parts) -> Option<Vec<u8>> {
    let has = |name, token: &str| {
        let values = parts.headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let speaks = has(UPGRADE, "websocket") && has(CONNECTION, "upgrade") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = parts.headers.get(SEC_WEBSOCKET_KEY)?.as_bytes();
    (speaks && !key.is_empty()).then(|| key.to_vec())
}
