//! `GetMessagingSessionEndpoint`.

use serde::Serialize;

use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint<'a> {
    url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    endpoint: Endpoint<'a>,
}

/// A bare host with its port, unless that is 443 (wire rule S-01).
pub(super) async fn get_messaging_session_endpoint(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    // The host has the addresses that its name resolves to, whichever are asked for.
    request.choice("network-type", &[("IPV4_ONLY", ()), ("DUAL_STACK", ())])?;
    Reply::json(&Output { endpoint: Endpoint { url: app.messaging_endpoint() } })
}
