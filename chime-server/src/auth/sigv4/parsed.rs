//! The first step: what a request says about its own signature.

use std::borrow::Cow;
use std::fmt;

use chime_domain::time::Timestamp;

use super::{Scope, SessionToken, SigError, SignedRequest, header, presigned};

/// Headers that change what a request means; when one is sent it has to be signed (wire fact A-06).
const MEANINGFUL: [&str; 3] = ["x-amz-chime-bearer", "x-amz-date", "x-amz-security-token"];

/// Where the signature was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the `Authorization` header (wire fact A-02).
    Header,
    /// In the query of a presigned URL (wire fact A-11).
    Presigned,
}

/// A signature and what it claims, well-formed but not yet verified.
#[derive(Clone)]
pub struct Parsed<'a> {
    /// Where it was found.
    pub kind: Kind,
    /// The access key id that is said to have signed.
    pub access_key: Cow<'a, str>,
    /// The scope of the signing key.
    pub scope: Scope<'a>,
    /// When it was signed, to the second.
    pub date: Timestamp,
    /// The lifetime of a presigned URL in seconds, 1 to 604800.
    pub expires: Option<u32>,
    /// The session token of temporary credentials.
    pub security_token: Option<SessionToken<'a>>,
    /// The names of the signed headers as listed, separated by semicolons.
    pub signed_headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    /// The date as it stands in the string to sign.
    pub(super) stamp: Cow<'a, str>,
}

impl fmt::Debug for Parsed<'_> {
    /// Leaves out the signature and the token: a presigned URL is as good as a credential while it lives.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed")
            .field("kind", &self.kind)
            .field("access_key", &self.access_key)
            .field("scope", &self.scope)
            .field("date", &self.date)
            .field("expires", &self.expires)
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// Reads the signature of a request from its header or its query.
///
/// # Errors
/// [`SigError::MissingAuthentication`] when there is none, and the errors named
/// `IncompleteSignatureException` when it is malformed, repeated, dated differently from its scope, or leaves
/// out a header that has to be signed (wire facts ).
pub fn parse<'a>(request: &SignedRequest<'a>) -> Result<Parsed<'a>, SigError> {
    let authorization = request.sole("authorization")?.filter(|value| !value.trim_ascii().is_empty());
    let in_query = presigned::is_presigned(request.raw_query);
    let parsed = match (authorization, in_query) {
        (None, false) => return Err(SigError::MissingAuthentication),
        (Some(value), true) if header::is_sigv4(value) => return Err(SigError::SignedTwice),
        (_, true) => presigned::parse(request.raw_query)?,
        (Some(value), false) => header::parse(request, value)?,
    };
    if !parsed.stamp.starts_with(&*parsed.scope.date) {
        return Err(SigError::ScopeDate);
    }
    check_signed_headers(request, &parsed.signed_headers)?;
    Ok(parsed)
}

/// A date of the basic form, `yyyymmddThhmmssZ`.
pub(super) fn basic_date(text: &str, name: &'static str) -> Result<Timestamp, SigError> {
    let date = (text.len() == 16).then(|| Timestamp::parse_basic(text)).flatten();
    date.ok_or(SigError::Malformed(name))
}

fn check_signed_headers(request: &SignedRequest<'_>, list: &str) -> Result<(), SigError> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase())
    };
    if !list.split(';').all(is_name) {
        return Err(SigError::Malformed("SignedHeaders"));
    }
    let is_listed = |name: &str| list.split(';').any(|listed| listed == name);
    if !is_listed("host") {
        return Err(SigError::UnsignedHeader("host"));
    }
    for name in MEANINGFUL {
        if request.sole(name)?.is_some() && !is_listed(name) {
            return Err(SigError::UnsignedHeader(name));
        }
    }
    Ok(())
}
