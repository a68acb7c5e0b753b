//! The `Authorization` header (wire fact A-02).

use std::borrow::Cow;

use chime_domain::time::Timestamp;

use super::parsed::basic_date;
use super::{ALGORITHM, Credential, Kind, Parsed, SessionToken, SigError, SignedRequest};

/// Whether a header value is of this scheme at all.
pub(super) fn is_sigv4(value: &[u8]) -> bool {
    value.trim_ascii_start().starts_with(ALGORITHM.as_bytes())
}

/// Reads a non-empty `Authorization` header with the date and token headers beside it.
pub(super) fn parse<'a>(request: &SignedRequest<'a>, value: &'a [u8]) -> Result<Parsed<'a>, SigError> {
    let fields = text(value, "Authorization")?
        .strip_prefix(ALGORITHM)
        .filter(|rest| rest.starts_with([' ', '\t']))
        .ok_or(SigError::Algorithm)?;

    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for field in fields.split(',') {
        let (name, value) = field.trim_ascii().split_once('=').ok_or(SigError::Malformed("Authorization"))?;
        let (name, slot) = match name {
            "Credential" => ("Credential", &mut credential),
            "SignedHeaders" => ("SignedHeaders", &mut signed_headers),
            "Signature" => ("Signature", &mut signature),
            _ => return Err(SigError::Malformed("Authorization")),
        };
        if slot.replace(value).is_some() {
            return Err(SigError::RepeatedPart(name));
        }
    }
    let credential = Credential::parse(credential.ok_or(SigError::MissingPart("Credential"))?)?;
    let signed_headers = signed_headers.ok_or(SigError::MissingPart("SignedHeaders"))?;
    let signature = signature.ok_or(SigError::MissingPart("Signature"))?;
    let (date, stamp) = date(request)?;
    let security_token =
        request.sole("x-amz-security-token")?.map(|value| text(value, "X-Amz-Security-Token"));

    Ok(Parsed {
        kind: Kind::Header,
        access_key: credential.access_key,
        scope: credential.scope,
        date,
        expires: None,
        security_token: security_token.transpose()?.map(|token| SessionToken(Cow::Borrowed(token))),
        signed_headers: Cow::Borrowed(signed_headers),
        signature: Cow::Borrowed(signature),
        stamp,
    })
}

/// `X-Amz-Date`, or else `Date` in its HTTP or its basic form. Either way the string to sign has the basic form.
fn date<'a>(request: &SignedRequest<'a>) -> Result<(Timestamp, Cow<'a, str>), SigError> {
    if let Some(value) = request.sole("x-amz-date")? {
        let stamp = text(value, "X-Amz-Date")?;
        return Ok((basic_date(stamp, "X-Amz-Date")?, Cow::Borrowed(stamp)));
    }
    let value = text(request.sole("date")?.ok_or(SigError::MissingPart("X-Amz-Date"))?, "Date")?;
    match Timestamp::parse_http_date(value) {
        Some(date) => Ok((date, Cow::Owned(date.basic()))),
        None => Ok((basic_date(value, "Date")?, Cow::Borrowed(value))),
    }
}

fn text<'a>(value: &'a [u8], name: &'static str) -> Result<&'a str, SigError> {
    std::str::from_utf8(value.trim_ascii()).map_err(|_| SigError::Malformed(name))
}
