//! The client's side, for tests, benches and load: signs in the standard form only.

use std::borrow::Cow;

use chime_domain::time::Timestamp;

use super::canonical::{Canonical, Form, Payload};
use super::encoding::encode;
use super::{ALGORITHM, SCOPE_END, Scope, Secret, SigError, SignedRequest, SigningKey, hex};

/// Credentials with the region and service to sign for.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The access key id.
    pub access_key: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
    /// The session token, with temporary credentials.
    pub token: Option<&'a str>,
    /// The region of the scope.
    pub region: &'a str,
    /// The signing name of the scope, `chime` or `sts`.
    pub service: &'a str,
}

impl Signer<'_> {
    /// The headers that sign a request: `x-amz-date`, `x-amz-security-token` with a token, and `authorization`.
    /// Every header the request already has is signed; `host` must be among them.
    ///
    /// # Errors
    /// [`SigError::ContentHash`] or [`SigError::UnsignedPayload`] when `x-amz-content-sha256` is set and does not fit.
    pub fn sign_headers(
        &self,
        request: &SignedRequest<'_>,
        at: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, SigError> {
        let stamp = at.basic();
        let mut added = vec![("x-amz-date", stamp.clone())];
        added.extend(self.token.map(|token| ("x-amz-security-token", token.to_owned())));
        let mut headers = request.headers.to_vec();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        let signed_headers = names(&headers);

        let request = SignedRequest { headers: &headers, ..*request };
        let signature = self.signature(&request, &signed_headers, &stamp)?;
        let scope = self.scope_text(&stamp);
        let authorization = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={signature}",
            self.access_key
        );
        added.push(("authorization", authorization));
        Ok(added)
    }

    /// The whole query of a presigned URL that is good for `expires` seconds. Every header the request has is
    /// signed and must be sent with the URL; `host` must be among them.
    ///
    /// # Errors
    /// Those of [`Signer::sign_headers`].
    pub fn presign(
        &self,
        request: &SignedRequest<'_>,
        expires: u32,
        at: Timestamp,
    ) -> Result<String, SigError> {
        let stamp = at.basic();
        let signed_headers = names(request.headers);
        let credential = format!("{}/{}", self.access_key, self.scope_text(&stamp));
        let expires = expires.to_string();
        let mut query = request.raw_query.to_owned();
        let token = self.token.map(|token| ("X-Amz-Security-Token", token));
        let parameters = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &stamp),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", &signed_headers),
        ];
        for (name, value) in parameters.into_iter().chain(token) {
            let mut encoded = Vec::new();
            encode(&mut encoded, value.as_bytes(), false);
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            query.push_str(&String::from_utf8_lossy(&encoded));
        }
        let request = SignedRequest { raw_query: &query, ..*request };
        let signature = self.signature(&request, &signed_headers, &stamp)?;
        Ok(format!("{query}&X-Amz-Signature={signature}"))
    }

    fn signature(
        &self,
        request: &SignedRequest<'_>,
        signed_headers: &str,
        stamp: &str,
    ) -> Result<String, SigError> {
        let scope = self.scope(stamp);
        let canonical =
            Canonical { request, signed_headers, presigned: false, payload: Payload::of(request)? };
        let digest = canonical.digest(Form::STANDARD)?;
        let signature = SigningKey::derive(self.secret, &scope).sign(stamp, &scope, &digest);
        Ok(String::from_utf8_lossy(&hex::encode(&signature)).into_owned())
    }

    fn scope<'s>(&'s self, stamp: &'s str) -> Scope<'s> {
        let date = stamp.get(..8).unwrap_or_default();
        Scope { date: Cow::Borrowed(date), region: self.region.into(), service: self.service.into() }
    }

    fn scope_text(&self, stamp: &str) -> String {
        let Scope { date, region, service } = self.scope(stamp);
        format!("{date}/{region}/{service}/{SCOPE_END}")
    }
}

/// The list of signed headers: all names, sorted, each once.
fn names(headers: &[(&str, &[u8])]) -> String {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(";")
}
