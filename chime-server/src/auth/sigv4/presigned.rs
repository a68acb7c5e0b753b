//! The query of a presigned URL (wire fact A-11, rules WEB-02 to WEB-11).

use std::borrow::Cow;

use super::encoding::decode;
use super::parsed::basic_date;
use super::{ALGORITHM, Credential, Kind, Parsed, SessionToken, SigError};

const SIGNATURE: &str = "X-Amz-Signature";

/// The longest lifetime, in seconds: seven days (wire fact A-11).
const MAX_EXPIRES: u32 = 604_800;

/// The parameters in the order of their values in [`parse`].
const NAMES: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    SIGNATURE,
];

/// Whether a query carries a signature, or the greater part of one.
pub(super) fn is_presigned(query: &str) -> bool {
    !query.is_empty()
        && query.split('&').any(|pair| {
            matches!(name_of(pair), Some("X-Amz-Algorithm" | "X-Amz-Credential" | "X-Amz-Signature"))
        })
}

/// Whether a raw `name=value` pair is the signature, the one parameter that is not signed.
pub(super) fn is_signature(pair: &str) -> bool {
    name_of(pair) == Some(SIGNATURE)
}

/// Reads the signature out of a query.
pub(super) fn parse(query: &str) -> Result<Parsed<'_>, SigError> {
    let mut values: [Option<Cow<'_, str>>; 7] = Default::default();
    for pair in query.split('&') {
        let Some(name) = name_of(pair) else { continue };
        let raw = pair.split_once('=').map_or("", |(_, value)| value);
        let value = match decode(raw) {
            Cow::Borrowed(_) => Cow::Borrowed(raw),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| SigError::Malformed(name))?),
        };
        let slot = NAMES.iter().position(|known| *known == name).and_then(|at| values.get_mut(at));
        if slot.is_some_and(|slot| slot.replace(value).is_some()) {
            return Err(SigError::RepeatedPart(name));
        }
    }
    let [algorithm, credential, stamp, expires, signed_headers, token, signature] = values;
    if algorithm.ok_or(SigError::MissingPart("X-Amz-Algorithm"))? != ALGORITHM {
        return Err(SigError::Algorithm);
    }
    let credential = match credential.ok_or(SigError::MissingPart("X-Amz-Credential"))? {
        Cow::Borrowed(text) => Credential::parse(text)?,
        Cow::Owned(text) => Credential::parse(&text)?.into_owned(),
    };
    let stamp = stamp.ok_or(SigError::MissingPart("X-Amz-Date"))?;
    let expires = expires.ok_or(SigError::MissingPart("X-Amz-Expires"))?;

    Ok(Parsed {
        kind: Kind::Presigned,
        access_key: credential.access_key,
        scope: credential.scope,
        date: basic_date(&stamp, "X-Amz-Date")?,
        expires: Some(seconds(&expires)?),
        security_token: token.map(SessionToken),
        signed_headers: signed_headers.ok_or(SigError::MissingPart("X-Amz-SignedHeaders"))?,
        signature: signature.ok_or(SigError::MissingPart(SIGNATURE))?,
        stamp,
    })
}

fn seconds(text: &str) -> Result<u32, SigError> {
    // A sign would be accepted by the number's own parser.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|seconds| digits && (1..=MAX_EXPIRES).contains(seconds));
    seconds.ok_or(SigError::Expires)
}

/// The name of a pair, when it is one of [`NAMES`], whichever way it is encoded.
fn name_of(pair: &str) -> Option<&'static str> {
    let raw = pair.split_once('=').map_or(pair, |(name, _)| name);
    if !raw.contains('%') && !raw.starts_with("X-Amz-") {
        return None;
    }
    let name = decode(raw);
    NAMES.into_iter().find(|known| known.as_bytes() == &*name)
}
