//! The signature stage, the same for the API, the query protocol and WebSocket sessions.

use super::Credentials;
use super::sigv4::{self, SigError, SignedRequest};
use crate::api::ApiError;
use crate::app::App;

/// Who signed a request, once the signature has proved good (wire rules ), and the credentials used.
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
) -> Result<Credentials, ApiError> {
    let now = app.chime().now();
    let parsed = sigv4::parse(request)?;
    let token = parsed.security_token.as_ref().map(|token| token.expose());
    let credentials = app.keys().find(&parsed.access_key, token).await?.ok_or(SigError::UnknownKey)?;
    sigv4::verify(request, &parsed, &credentials.secret, app.signing_keys(), services, now)?;
    // Only who holds the secret learns that the credentials have ended.
    if credentials.expires.is_some_and(|end| end <= now) {
        return Err(SigError::ExpiredToken.into());
    }
    Ok(credentials)
}
