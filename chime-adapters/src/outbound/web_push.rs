//! Web Push: notifications to browsers, encrypted for each (RFC 8030, 8188, 8291), by a server that signs who it is
//! (VAPID, RFC 8292).
//!
//! A browser registers as an endpoint whose device token is its `PushSubscription` as JSON. It decrypts to
//! `{"title", "body", "data"}`.
//!
//! # Our choices
//!
//! - A message waits a day for a browser that is not there; one that rings as for a call waits a minute.
//! - The push services that browsers name have to be on the public internet.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use chime_domain::ports::{Clock, Notification, Notifier, NotifyError};
use chime_domain::text::Private;
use reqwest::Url;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::client::{Outbound, OutboundClient, OutboundError, Trust};

/// Length of the only record, which holds the whole message (RFC 8188, section 2.1).
const RECORD: u32 = 4096;
/// How long a signature of ours is good for; push services allow at most a day.
const GOOD_FOR: Duration = Duration::from_secs(12 * 3600);

/// What a browser gave, or our own key, cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebPushError {
    /// The subscription is not one.
    #[error("the subscription is not valid: {0}")]
    Subscription(&'static str),
    /// The key of the server is not one.
    #[error("the key is not a P-256 key in PKCS #8")]
    Key,
    /// The message is too long.
    #[error("the message is too long")]
    TooLong,
    /// The system has no randomness, or a key cannot be agreed on.
    #[error("cryptography failed")]
    Crypto,
}

impl From<ring::error::Unspecified> for WebPushError {
    fn from(_: ring::error::Unspecified) -> Self {
        Self::Crypto
    }
}

/// The key by which push services know this server.
#[derive(Debug)]
pub struct VapidKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl VapidKey {
    /// Makes a key, in PKCS #8.
    ///
    /// # Errors
    ///
    /// [`WebPushError::Crypto`].
    pub fn generate() -> Result<Vec<u8>, WebPushError> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        Ok(made.as_ref().to_vec())
    }

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// [`WebPushError::Key`].
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, WebPushError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes, &random);
        Ok(Self { pair: pair.map_err(|_| WebPushError::Key)?, random })
    }

    /// The public key as browsers want it: `applicationServerKey`, in URL-safe Base64.
    #[must_use]
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// The value of the `Authorization` header (RFC 8292, section 3).
    fn authorization(&self, audience: &str, contact: &str, expires: u64) -> Result<String, WebPushError> {
        let header = json!({ "typ": "JWT", "alg": "ES256" }).to_string();
        let claims = json!({ "aud": audience, "exp": expires, "sub": contact }).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.pair.sign(&self.random, signed.as_bytes())?;
        let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
        Ok(format!("vapid t={signed}.{signature}, k={}", self.public()))
    }
}

/// What a browser gave to be reached by.
struct Subscription {
    endpoint: Url,
    public: Vec<u8>,
    secret: Vec<u8>,
}

impl Subscription {
    fn parse(text: &str) -> Result<Self, WebPushError> {
        let bad = WebPushError::Subscription;
        let value: Value = serde_json::from_str(text).map_err(|_| bad("it is not JSON"))?;
        let endpoint =
            value.get("endpoint").and_then(Value::as_str).and_then(|text| text.parse::<Url>().ok());
        let endpoint =
            endpoint.filter(|url| url.scheme() == "https").ok_or(bad("it has no https endpoint"))?;
        let key = |name: &str, length: usize| {
            let text = value.get("keys").and_then(|keys| keys.get(name)).and_then(Value::as_str)?;
            let bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
            (bytes.len() == length).then_some(bytes)
        };
        let public = key("p256dh", 65).ok_or(bad("it has no key `p256dh`"))?;
        let secret = key("auth", 16).ok_or(bad("it has no key `auth`"))?;
        Ok(Self { endpoint, public, secret })
    }
}

/// A length of key material.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Result<[u8; N], WebPushError> {
    let mut bytes = [0; N];
    Salt::new(HKDF_SHA256, salt).extract(secret).expand(info, Length(N))?.fill(&mut bytes)?;
    Ok(bytes)
}

/// Encrypts a message for a browser: the body of the request (RFC 8291, section 3.4).
fn encrypt(message: &[u8], to: &Subscription) -> Result<Vec<u8>, WebPushError> {
    let random = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random)?;
    let own_public = own.compute_public_key()?;
    let own_public = own_public.as_ref().to_vec();
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &to.public);
    let info: [&[u8]; 3] = [b"WebPush: info\0", &to.public, &own_public];
    let agreed = agree_ephemeral(own, &theirs, |shared| derived::<32>(&to.secret, shared, &info))
        .map_err(|_| WebPushError::Subscription("its key is no point of the curve"))??;
    let mut salt = [0; 16];
    random.fill(&mut salt)?;
    let key = derived::<16>(&salt, &agreed, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce = derived::<12>(&salt, &agreed, &[b"Content-Encoding: nonce\0"])?;
    // The delimiter says that this record is the last one.
    let mut sealed = [message, &[2]].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)?;
    if sealed.len() > RECORD as usize - 86 {
        return Err(WebPushError::TooLong);
    }
    let mut body = salt.to_vec();
    body.extend_from_slice(&RECORD.to_be_bytes());
    body.push(65);
    body.extend_from_slice(&own_public);
    body.extend_from_slice(&sealed);
    Ok(body)
}

/// Notifies browsers; what is no browser's subscription goes to another notifier.
#[derive(Clone, Debug)]
pub struct WebPush {
    client: OutboundClient,
    key: Arc<VapidKey>,
    contact: Arc<str>,
    clock: Arc<dyn Clock>,
    others: Arc<dyn Notifier>,
}

impl WebPush {
    /// A notifier of browsers. `contact` is a `mailto:` or `https:` URL of the operator; `others` are notified through
    /// another.
    #[must_use]
    pub fn new(
        client: OutboundClient,
        key: Arc<VapidKey>,
        contact: &str,
        clock: Arc<dyn Clock>,
        others: Arc<dyn Notifier>,
    ) -> Self {
        Self { client, key, contact: Arc::from(contact), clock, others }
    }

    async fn push(&self, notification: &Notification) -> Result<(), NotifyError> {
        // What is no subscription now will never be one.
        let to = Subscription::parse(&notification.recipient.0).map_err(|_| NotifyError::Rejected)?;
        let Notification { title, body, data, .. } = notification;
        let message = json!({ "title": title.0, "body": body.0, "data": data }).to_string();
        let body = match encrypt(message.as_bytes(), &to) {
            Ok(body) => body,
            Err(WebPushError::Subscription(_) | WebPushError::TooLong) => return Err(NotifyError::Rejected),
            Err(error) => return Err(NotifyError::Unavailable(Box::new(error))),
        };
        let audience = to.endpoint.origin().ascii_serialization();
        let expires = (self.clock.now() + GOOD_FOR).millis().max(0).unsigned_abs() / 1000;
        let authorization = self.key.authorization(&audience, &self.contact, expires);
        let authorization = authorization.map_err(|error| NotifyError::Unavailable(Box::new(error)))?;
        let call = notification.device.as_ref().is_some_and(|device| device.call);
        let (ttl, urgency) = if call { ("60", "high") } else { ("86400", "normal") };
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-encoding", "aes128gcm"),
            ("ttl", ttl),
            ("urgency", urgency),
        ];
        let content_type = "application/octet-stream";
        let (url, body) = (&to.endpoint, Private(body));
        let answer =
            self.client.post(Outbound { url, trust: Trust::User, content_type, headers: &headers, body });
        match answer.await {
            Ok(answer) => match answer.status {
                200..=299 => Ok(()),
                400 | 403 | 404 | 410 | 413 => Err(NotifyError::Rejected),
                status => Err(NotifyError::Unavailable(format!("status {status}").into())),
            },
            Err(OutboundError::Forbidden) => Err(NotifyError::Rejected),
            Err(error) => Err(NotifyError::Unavailable(Box::new(error))),
        }
    }
}

#[async_trait]
impl Notifier for WebPush {
    async fn notify(&self, notification: Notification) -> Result<(), NotifyError> {
        if notification.recipient.0.starts_with('{') {
            self.push(&notification).await
        } else {
            self.others.notify(notification).await
        }
    }

    async fn notify_all(&self, notifications: Vec<Notification>) -> Vec<Result<(), NotifyError>> {
        use futures_util::stream::{self, StreamExt};
        let calls = notifications.into_iter().map(|notification| self.notify(notification));
        stream::iter(calls).buffered(32).collect().await
    }
}

#[cfg(test)]
mod tests {
    use p256::PublicKey;
    use p256::SecretKey;
    use p256::ecdh::diffie_hellman;
    use p256::elliptic_curve::sec1::ToEncodedPoint;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey as Verifier};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// What a browser does (RFC 8291, section 3.4), with another implementation of the curve.
    fn decrypt(body: &[u8], own: &SecretKey, secret: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert_eq!(size, 4096_u32.to_be_bytes());
        let (theirs, sealed) = rest[1..].split_at(usize::from(rest[0]));
        let shared =
            diffie_hellman(own.to_nonzero_scalar(), PublicKey::from_sec1_bytes(theirs).unwrap().as_affine());
        let own_public = own.public_key().to_encoded_point(false);
        let info: [&[u8]; 3] = [b"WebPush: info\0", own_public.as_bytes(), theirs];
        let agreed = derived::<32>(secret, shared.raw_secret_bytes(), &info).unwrap();
        let key = derived::<16>(salt, &agreed, &[b"Content-Encoding: aes128gcm\0"]).unwrap();
        let nonce = derived::<12>(salt, &agreed, &[b"Content-Encoding: nonce\0"]).unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut sealed = sealed.to_vec();
        let opened =
            key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).unwrap();
        assert_eq!(opened.last(), Some(&2));
        opened[..opened.len() - 1].to_vec()
    }

    #[test]
    fn the_example_of_rfc_8291_decrypts_as_it_says() {
        let own = SecretKey::from_slice(&bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).unwrap();
        let body = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz\
                    AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        let text = decrypt(&bytes(body), &own, &bytes("BTBZMqHH6r4Tts7J_aSIgg"));
        assert_eq!(text, b"When I grow up, I want to be a watermelon");
    }

    fn browser() -> (SecretKey, Vec<u8>, String) {
        let (own, secret) = (SecretKey::from_slice(&[7; 32]).unwrap(), vec![9; 16]);
        let public = own.public_key().to_encoded_point(false);
        let keys =
            json!({ "p256dh": URL_SAFE_NO_PAD.encode(public), "auth": URL_SAFE_NO_PAD.encode(&secret) });
        let text = json!({ "endpoint": "https://push.example/send/1", "keys": keys }).to_string();
        (own, secret, text)
    }

    #[test]
    fn a_browser_decrypts_what_was_encrypted_for_it() {
        let (own, secret, text) = browser();
        let to = Subscription::parse(&text).unwrap();
        for message in ["", "hello", &"x".repeat(3_900)] {
            let body = encrypt(message.as_bytes(), &to).unwrap();
            assert!(body.len() <= 4096);
            assert_eq!(decrypt(&body, &own, &secret), message.as_bytes());
        }
        assert!(matches!(encrypt(&[0; 4_000], &to), Err(WebPushError::TooLong)));
    }

    #[test]
    fn what_is_no_subscription_is_refused() {
        let (_, _, good) = browser();
        let mut plain: Value = serde_json::from_str(&good).unwrap();
        plain["endpoint"] = json!("http://push.example/send/1");
        let mut off_the_curve: Value = serde_json::from_str(&good).unwrap();
        off_the_curve["keys"]["p256dh"] = json!(URL_SAFE_NO_PAD.encode([4; 65]));
        for bad in ["", "{}", "[]", &plain.to_string(), &good.replace("auth", "outh")] {
            assert!(Subscription::parse(bad).is_err(), "{bad}");
        }
        let to = Subscription::parse(&off_the_curve.to_string()).unwrap();
        assert!(matches!(encrypt(b"x", &to), Err(WebPushError::Subscription(_))));
    }

    #[test]
    fn who_we_are_is_signed_for_the_push_service_with_the_key_that_is_named() {
        let key = VapidKey::from_pkcs8(&VapidKey::generate().unwrap()).unwrap();
        let header =
            key.authorization("https://push.example", "mailto:ops@example.com", 1_700_000_000).unwrap();
        let (token, public) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let verifier = Verifier::new(&ECDSA_P256_SHA256_FIXED, bytes(public));
        verifier.verify(signed.as_bytes(), &bytes(signature)).unwrap();
        let claims: Value = serde_json::from_slice(&bytes(signed.split_once('.').unwrap().1)).unwrap();
        let expected =
            json!({ "aud": "https://push.example", "exp": 1_700_000_000, "sub": "mailto:ops@example.com" });
        assert_eq!(claims, expected);
        assert!(VapidKey::from_pkcs8(b"no key").is_err());
    }
}
