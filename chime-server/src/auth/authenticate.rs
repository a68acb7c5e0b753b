//! The signature stage, the same for the API, the query protocol and WebSocket sessions.

use std::sync::Arc;

use super::caller::Caller;
use super::sigv4::{self, SigError, SignedRequest};
use crate::api::ApiError;
use crate::app::App;

/// Who signed a request, once the signature has proved good (wire rules ).
///
/// `services` are the signing names that are accepted: `chime`, or `iam` and `sts` for the query protocol.
///
/// # Errors
///
/// [`ApiError::Signature`], or the store's failure.
pub async fn authenticate(
    app: &App,
    request: &SignedRequest<'_>,
    services: &[&str],
) -> Result<Arc<Caller>, ApiError> {
    let now = app.chime().now();
    let parsed = sigv4::parse(request)?;
    let credentials = app.keys().find(&parsed.access_key).await?.ok_or(SigError::UnknownKey)?;
    // A token with a permanent key, and a temporary key without its token, are refused alike.
    let sent = parsed.security_token.as_ref().map(|token| token.expose().as_bytes());
    let issued = credentials.session_token.as_ref().map(|token| token.expose().as_bytes());
    let is_its_token = match (sent, issued) {
        (None, None) => true,
        (Some(sent), Some(issued)) => same_bytes(sent, issued),
        _ => false,
    };
    if !is_its_token {
        return Err(SigError::UnknownKey.into());
    }
    sigv4::verify(request, &parsed, &credentials.secret, app.signing_keys(), services, now)?;
    // Only who holds the secret learns that the credentials have ended.
    if credentials.expires.is_some_and(|end| end <= now) {
        return Err(SigError::ExpiredToken.into());
    }
    Ok(credentials.caller)
}

/// Compares in a time that does not tell where two texts differ.
fn same_bytes(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
