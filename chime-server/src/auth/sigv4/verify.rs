//! The second step: is the signature good, for this service and at this time?

use std::time::Duration;

use chime_domain::time::Timestamp;

use super::canonical::{Canonical, Form, Payload};
use super::{KeyCache, Kind, Parsed, Secret, SigError, SignedRequest, SigningKey, hex};

/// How far the client's clock may be from ours, either way (wire fact A-10).
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// Verifies a parsed signature with the secret of its access key. The derived key comes from `cache`, and goes
/// there once it has proved good.
///
/// `services` are the signing names accepted here (wire fact A-01).
///
/// # Errors
/// The errors named `InvalidSignatureException`: another service, a time outside the permitted span, a body that
/// is not the one hashed, or a signature that does not match (wire facts ).
pub fn verify(
    request: &SignedRequest<'_>,
    parsed: &Parsed<'_>,
    secret: &Secret,
    cache: &KeyCache,
    services: &[&str],
    now: Timestamp,
) -> Result<(), SigError> {
    check_service(parsed, services)?;
    check_time(parsed, now)?;
    if let Some(key) = cache.get(&parsed.access_key, &parsed.scope, secret) {
        return check_signature(request, parsed, &key);
    }
    let key = SigningKey::derive(secret, &parsed.scope);
    check_signature(request, parsed, &key)?;
    cache.insert(&parsed.access_key, &parsed.scope, secret, key);
    Ok(())
}

/// Verifies a parsed signature with a key already derived for its scope.
///
/// # Errors
/// Those of [`verify`].
pub fn verify_with_key(
    request: &SignedRequest<'_>,
    parsed: &Parsed<'_>,
    key: &SigningKey,
    services: &[&str],
    now: Timestamp,
) -> Result<(), SigError> {
    check_service(parsed, services)?;
    check_time(parsed, now)?;
    check_signature(request, parsed, key)
}

fn check_service(parsed: &Parsed<'_>, services: &[&str]) -> Result<(), SigError> {
    if services.contains(&&*parsed.scope.service) {
        return Ok(());
    }
    Err(SigError::Service { expected: services.join(" or ") })
}

/// A header signature is good for [`MAX_SKEW`] around its date; a presigned URL from that much before its date to
/// the end of its lifetime.
fn check_time(parsed: &Parsed<'_>, now: Timestamp) -> Result<(), SigError> {
    let signed = parsed.date;
    let latest = now + MAX_SKEW;
    if signed > latest {
        return Err(SigError::NotYetCurrent { signed, limit: latest, now });
    }
    let (end, limit) = match parsed.expires {
        Some(seconds) => (signed + Duration::from_secs(u64::from(seconds)), now),
        None => (signed, now - MAX_SKEW),
    };
    if end < limit { Err(SigError::Expired { signed: end, limit, now }) } else { Ok(()) }
}

fn check_signature(
    request: &SignedRequest<'_>,
    parsed: &Parsed<'_>,
    key: &SigningKey,
) -> Result<(), SigError> {
    let canonical = Canonical {
        request,
        signed_headers: &parsed.signed_headers,
        presigned: parsed.kind == Kind::Presigned,
        payload: Payload::of(request)?,
    };
    let signature = hex::decode(&parsed.signature).ok_or(SigError::Mismatch)?;
    let matches = |form| {
        let digest = canonical.digest(form)?;
        Ok(key.matches(&parsed.stamp, &parsed.scope, &digest, &signature))
    };
    if matches(Form::STANDARD)? {
        return Ok(());
    }
    for form in canonical.other_forms() {
        if matches(form)? {
            return Ok(());
        }
    }
    Err(SigError::Mismatch)
}
