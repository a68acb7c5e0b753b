//! Random requests signed by the published Rust client are accepted, and our signer agrees with it.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as sign_as_client,
};
use aws_sigv4::sign::v4::SigningParams;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn escape(text: &str) -> String {
    let mut out = Vec::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            _ => out.extend(format!("%{byte:02X}").bytes()),
        }
    }
    String::from_utf8(out).unwrap()
}

/// A request as a client would form it: labels and query values of any text, strictly encoded.
fn requests() -> impl Strategy<Value = Owned> {
    let label = "\\PC{1,12}".prop_filter("resolved by the client", |label| label != "." && label != "..");
    (
        prop_oneof![Just("GET"), Just("POST"), Just("PUT"), Just("DELETE")],
        vec(label, 0..4),
        vec(("[a-z-]{1,8}", "\\PC{0,12}"), 0..4),
        proptest::option::of("[!-~]{1,5}[ -~]{0,20}"),
        vec(any::<u8>(), 0..80),
    )
        .prop_map(|(method, labels, query, bearer, body)| {
            let path = format!("/{}", labels.iter().map(|label| escape(label)).collect::<Vec<_>>().join("/"));
            let pairs = query.iter().map(|(name, value)| format!("{name}={}", escape(value)));
            let query = pairs.collect::<Vec<_>>().join("&");
            let mut headers = vec![("host".to_owned(), "chime.test:8080".to_owned())];
            headers.extend(bearer.map(|bearer| ("x-amz-chime-bearer".to_owned(), bearer)));
            Owned { method: method.to_owned(), path, query, headers, body, secure: false }
        })
}

fn sign_by_client(mut request: Owned, at: Timestamp, token: Option<&str>, expires: Option<u32>) -> Owned {
    let identity = Credentials::new(ACCESS_KEY, SECRET, token.map(str::to_owned), None, "test").into();
    let mut settings = SigningSettings::default();
    if let Some(expires) = expires {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(u64::from(expires)));
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(at.seconds().unsigned_abs());
    let params = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("chime")
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let mark = if request.query.is_empty() { "" } else { "?" };
    let uri = format!("http://chime.test:8080{}{mark}{}", request.path, request.query);
    let headers = request.headers.clone();
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = request.body.clone();
    let signable = SignableRequest::new(&request.method, uri, headers, SignableBody::Bytes(&body)).unwrap();
    let (instructions, _) = sign_as_client(signable, &params).unwrap().into_parts();
    for (name, value) in instructions.headers() {
        request.set(name, value);
    }
    for (name, value) in instructions.params() {
        let join = if request.query.is_empty() { "" } else { "&" };
        request.query.push_str(&format!("{join}{name}={}", escape(value)));
    }
    request
}

fn moments() -> impl Strategy<Value = Timestamp> {
    // From 2001 to 2096, any second of the day.
    (1_000_000_000_i64..4_000_000_000).prop_map(|seconds| Timestamp::from_millis(seconds * 1000))
}

proptest! {
    #[test]
    fn requests_signed_by_the_published_client_are_accepted(
        request in requests(), now in moments(), token in proptest::option::of("[A-Za-z0-9/+=]{1,40}"),
    ) {
        let signed = sign_by_client(request, now, token.as_deref(), None);
        prop_assert_eq!(signed.verify(now), Ok(()));
    }

    #[test]
    fn urls_presigned_by_the_published_client_are_accepted(
        request in requests(), now in moments(), token in proptest::option::of("[A-Za-z0-9/+=]{1,40}"),
        expires in 1_u32..=604_800,
    ) {
        let signed = sign_by_client(request, now, token.as_deref(), Some(expires));
        prop_assert_eq!(signed.verify(now), Ok(()));
    }

    #[test]
    fn our_signer_gives_the_signature_of_the_published_client(
        request in requests(), now in moments(), token in proptest::option::of("[A-Za-z0-9/+=]{1,40}"),
    ) {
        let secret = Secret::new(SECRET);
        let ours = request.clone().signed(&signer(&secret, token.as_deref()), now);
        let theirs = sign_by_client(request, now, token.as_deref(), None);
        prop_assert_eq!(ours.header("authorization"), theirs.header("authorization"));
    }
}
