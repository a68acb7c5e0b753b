//! Tokens of identity providers: JSON Web Tokens of configured issuers (RFC 7519; OpenID Connect).
//!
//! Verified with `ring`, which TLS brings along. `jsonwebtoken` would read the system clock, and its pure Rust backend
//! depends on an RSA crate with an open advisory.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chime_domain::access::policy::Tag;
use chime_domain::iam::{IamCode, IamRefusal, WebIdentity};
use chime_domain::time::Timestamp;
use ring::signature;
use serde::Deserialize;
use serde_json::Value;

/// Longest token, in characters, as the models have it.
const LONGEST: usize = 20_000;
/// Seconds by which the clock of an issuer may be ahead.
const AHEAD: i64 = 60;
/// Under which claim session tags travel.
const TAGS: &str = "https://aws.amazon.com/tags";

/// Why an issuer cannot be configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Its identifier is no `https` URL.
    #[error("the issuer `{0}` is not an https URL")]
    Url(String),
    /// No audience would be accepted.
    #[error("the issuer `{0}` has no audience")]
    NoAudience(String),
    /// Its key set has no key that can verify RS256 or ES256.
    #[error("the key set of the issuer `{0}` has no usable key")]
    NoKey(String),
}

/// An identity provider whose tokens are accepted.
#[derive(Clone)]
pub struct Issuer {
    url: String,
    audiences: Vec<String>,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("audiences", &self.audiences)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// An issuer by its URL, the audiences that are accepted, and its key set as parsed JSON (RFC 7517).
    ///
    /// Keys of other kinds than RSA and P-256 are left out.
    ///
    /// # Errors
    ///
    /// [`IssuerError`].
    pub fn new(url: impl Into<String>, audiences: Vec<String>, key_set: &Value) -> Result<Self, IssuerError> {
        let url = url.into();
        if url.strip_prefix("https://").is_none_or(str::is_empty) {
            return Err(IssuerError::Url(url));
        }
        if audiences.is_empty() {
            return Err(IssuerError::NoAudience(url));
        }
        let keys = key_set.get("keys").and_then(Value::as_array).into_iter().flatten();
        let keys: Vec<_> = keys.filter_map(Key::of).collect();
        if keys.is_empty() {
            return Err(IssuerError::NoKey(url));
        }
        Ok(Self { url, audiences, keys })
    }

    /// Its name in policies: the URL without its scheme.
    fn host(&self) -> &str {
        self.url.trim_start_matches("https://").trim_end_matches('/')
    }
}

impl Key {
    fn of(key: &Value) -> Option<Self> {
        let text = |name| key.get(name).and_then(Value::as_str);
        let bytes = |name| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { n: bytes("n")?, e: bytes("e")? },
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                Material::P256([&[4][..], &x, &y].concat())
            }
            _ => return None,
        };
        Some(Self { id: text("kid").map(str::to_owned), material })
    }

    /// The kind of key decides the algorithm; what the token says of it has to agree.
    fn verifies(&self, head: &Head, signed: &[u8], signature: &[u8]) -> bool {
        if let (Some(known), Some(said)) = (&self.id, &head.kid)
            && known != said
        {
            return false;
        }
        match (&self.material, head.alg.as_str()) {
            (Material::Rsa { n, e }, "RS256") => signature::RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
            (Material::P256(point), "ES256") => {
                let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
                key.verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
    #[serde(rename = "https://aws.amazon.com/tags")]
    tags: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Many(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

#[derive(Deserialize)]
struct TagClaim {
    #[serde(default)]
    principal_tags: std::collections::BTreeMap<String, Vec<String>>,
    #[serde(default)]
    transitive_tag_keys: Vec<String>,
}

/// The issuers that are configured.
#[derive(Clone, Debug, Default)]
pub struct Issuers(Vec<Issuer>);

impl Issuers {
    /// These issuers.
    #[must_use]
    pub fn new(issuers: Vec<Issuer>) -> Self {
        Self(issuers)
    }

    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Issuer::host)
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    ///
    /// [`IamCode::InvalidIdentityToken`], [`IamCode::ExpiredIdentityToken`], [`IamCode::RejectedClaim`].
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<WebIdentity, IamRefusal> {
        let invalid = |message: &'static str| IamRefusal::new(IamCode::InvalidIdentityToken, message);
        let unreadable = || invalid("The ID Token provided is not a valid JWT.");
        let text = Some(token).filter(|token| token.len() <= LONGEST).ok_or_else(unreadable)?;
        let (signed, signature) = text.rsplit_once('.').ok_or_else(unreadable)?;
        let (head, claims) = signed.split_once('.').ok_or_else(unreadable)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| unreadable());
        let head: Head = serde_json::from_slice(&bytes(head)?).map_err(|_| unreadable())?;
        let claims: Claims = serde_json::from_slice(&bytes(claims)?).map_err(|_| unreadable())?;
        let signature = bytes(signature)?;
        if head.crit.is_some() {
            return Err(invalid("The ID Token demands extensions that are not known."));
        }
        let issuer = self.0.iter().find(|issuer| issuer.url == claims.iss);
        let issuer =
            issuer.ok_or_else(|| invalid("No OpenIDConnect provider found for the token's issuer."))?;
        if !issuer.keys.iter().any(|key| key.verifies(&head, signed.as_bytes(), &signature)) {
            return Err(invalid("The ID Token signature is not valid."));
        }
        let audience =
            issuer.audiences.iter().find(|known| claims.aud.as_ref().is_some_and(|aud| aud.has(known)));
        let audience = audience.ok_or_else(|| invalid("Incorrect token audience"))?;
        let seconds = now.seconds() as f64;
        let end = claims.exp.ok_or_else(|| invalid("The ID Token has no expiration."))?;
        if end <= seconds {
            return Err(IamRefusal::new(
                IamCode::ExpiredIdentityToken,
                "Token expired: it is past its `exp`.",
            ));
        }
        if claims.nbf.is_some_and(|start| start > seconds + AHEAD as f64) {
            return Err(invalid("The ID Token is not valid yet."));
        }
        let subject = claims.sub.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| invalid("The ID Token has no subject."))?;
        let (tags, transitive) = claims.tags.map(tags).transpose()?.unwrap_or_default();
        Ok(WebIdentity {
            issuer: issuer.host().to_owned(),
            subject,
            audience: audience.clone(),
            tags,
            transitive,
        })
    }
}

/// The session tags of a token: each key has a list of one value.
fn tags(claim: Value) -> Result<(Vec<Tag>, Vec<String>), IamRefusal> {
    let rejected = || IamRefusal::new(IamCode::RejectedClaim, format!("The claim {TAGS} cannot be read."));
    let claim: TagClaim = serde_json::from_value(claim).map_err(|_| rejected())?;
    let one = |(key, values): (String, Vec<String>)| match values.as_slice() {
        [value] => Ok(Tag::new(key, value)),
        _ => Err(rejected()),
    };
    let tags = claim.principal_tags.into_iter().map(one).collect::<Result<_, _>>()?;
    Ok((tags, claim.transitive_tag_keys))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_610_403_151_000);
    const ISSUER: &str = "https://idp.example/tenant";

    /// An issuer with a key of its own.
    struct Idp {
        key: EcdsaKeyPair,
        issuers: Issuers,
    }

    impl Idp {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let key =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
            let (x, y) = key.public_key().as_ref()[1..].split_at(32);
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encode(x), "y": encode(y)});
            let issuer = Issuer::new(ISSUER, vec!["app".into()], &json!({"keys": [jwk]})).unwrap();
            Self { key, issuers: Issuers::new(vec![issuer]) }
        }

        fn token(&self, head: &Value, claims: &Value) -> String {
            let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", encode(head), encode(claims));
            let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        }

        fn verify(&self, changes: &Value) -> Result<WebIdentity, IamCode> {
            let mut claims =
                json!({"iss": ISSUER, "sub": "ada", "aud": ["other", "app"], "exp": NOW.seconds() + 1});
            for (name, value) in changes.as_object().unwrap() {
                claims[name] = value.clone();
            }
            let token = self.token(&json!({"alg": "ES256", "kid": "k"}), &claims);
            self.issuers.verify(&token, NOW).map_err(|refusal| refusal.code())
        }
    }

    #[test]
    fn a_genuine_token_speaks_for_its_subject_with_its_tags() {
        let tags = json!({"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]});
        let identity = Idp::new().verify(&json!({TAGS: tags})).unwrap();
        let expected = WebIdentity {
            issuer: "idp.example/tenant".into(),
            subject: "ada".into(),
            audience: "app".into(),
            tags: vec![Tag::new("team", "blue")],
            transitive: vec!["team".into()],
        };
        assert_eq!(identity, expected);
    }

    #[test]
    fn every_claim_that_does_not_hold_is_refused() {
        let idp = Idp::new();
        let now = NOW.seconds();
        for (changes, code) in [
            (json!({"iss": "https://idp.example"}), IamCode::InvalidIdentityToken),
            (json!({"aud": "other"}), IamCode::InvalidIdentityToken),
            (json!({"aud": null}), IamCode::InvalidIdentityToken),
            (json!({"sub": ""}), IamCode::InvalidIdentityToken),
            (json!({"exp": null}), IamCode::InvalidIdentityToken),
            (json!({"exp": now}), IamCode::ExpiredIdentityToken),
            (json!({"nbf": now + 61}), IamCode::InvalidIdentityToken),
            (json!({TAGS: {"principal_tags": {"team": ["a", "b"]}}}), IamCode::RejectedClaim),
        ] {
            assert_eq!(idp.verify(&changes), Err(code), "{changes}");
        }
        assert!(idp.verify(&json!({"nbf": now + 60})).is_ok());
    }

    #[test]
    fn a_token_that_its_issuer_did_not_sign_is_refused() {
        let (idp, other) = (Idp::new(), Idp::new());
        let claims = json!({"iss": ISSUER, "sub": "ada", "aud": "app", "exp": NOW.seconds() + 600});
        let good = idp.token(&json!({"alg": "ES256"}), &claims);
        assert!(idp.issuers.verify(&good, NOW).is_ok(), "a key without a name in the token is looked for");
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let foreign = other.token(&json!({"alg": "ES256"}), &claims);
        for token in [
            foreign,
            idp.token(&json!({"alg": "none"}), &claims),
            idp.token(&json!({"alg": "HS256"}), &claims),
            idp.token(&json!({"alg": "RS256"}), &claims),
            idp.token(&json!({"alg": "ES256", "kid": "x"}), &claims),
            idp.token(&json!({"alg": "ES256", "crit": ["x"]}), &claims),
            format!("{signed}."),
            format!("x{signed}.{signature}"),
            format!("{signed}.{signature}.{signature}"),
            "a.b".into(),
            String::new(),
            "x".repeat(LONGEST + 1),
        ] {
            let refused = idp.issuers.verify(&token, NOW).unwrap_err();
            assert_eq!(refused.code(), IamCode::InvalidIdentityToken, "{token}");
        }
    }

    /// The example of RFC 7515, appendix A.2.
    #[test]
    fn the_published_rsa_example_verifies() {
        let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
        let signed = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let key = Key::of(&json!({"kty": "RSA", "n": n, "e": "AQAB"})).unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let head = |alg: &str| Head { alg: alg.into(), kid: None, crit: None };
        assert!(key.verifies(&head("RS256"), signed.as_bytes(), &signature));
        assert!(!key.verifies(&head("RS256"), &signed.as_bytes()[1..], &signature));
        assert!(!key.verifies(&head("ES256"), signed.as_bytes(), &signature));
    }

    #[test]
    fn an_issuer_that_could_accept_nothing_is_refused() {
        let keys = json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]});
        let audience = || vec!["app".to_owned()];
        assert!(Issuer::new(ISSUER, audience(), &keys).is_ok());
        assert!(matches!(Issuer::new("http://idp", audience(), &keys), Err(IssuerError::Url(_))));
        assert!(matches!(Issuer::new(ISSUER, Vec::new(), &keys), Err(IssuerError::NoAudience(_))));
        for keys in [json!({}), json!({"keys": [{"kty": "oct", "k": "AQAB"}]}), json!([])] {
            assert!(matches!(Issuer::new(ISSUER, audience(), &keys), Err(IssuerError::NoKey(_))));
        }
    }
}
