//! Requests signed by the published signer.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use crate::wire::{Answer, KEY, SECRET, Server};

/// A signed HTTP/1.1 request as bytes. `target` is what the signer and the request line both get.
pub(crate) fn request(
    key: (&str, &str),
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    request_at(SystemTime::now(), key, method, target, headers, body)
}

pub(crate) fn request_at(
    at: SystemTime,
    (id, secret): (&str, &str),
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let identity = Credentials::from_keys(id, secret, None).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("chime")
        .time(at)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let url = format!("http://chime.test{target}");
    let all = [("host", "chime.test")].into_iter().chain(headers.iter().copied());
    let signable =
        SignableRequest::new(method, &url, all.clone(), SignableBody::Bytes(body.as_bytes())).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    for (name, value) in all.chain(instructions.headers()) {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text
}

impl Server {
    pub(crate) fn signed(&self, method: &str, target: &str, body: &str) -> Answer {
        self.send(&request((KEY, SECRET), method, target, &[], body))
    }
}

/// An operation that is not going to be built in this generation of the server.
const UNBUILT: &str = "/voice-profile-domains";

#[test]
fn an_operation_that_is_not_built_says_so_to_who_signed() {
    let server = Server::start();
    let message = server.signed("GET", UNBUILT, "").is_error(404, "UnknownOperationException");
    assert!(message.contains("ListVoiceProfileDomains"), "{message}");
    server.signed("GET", "/voice-profile-domains/a%2Fb", "").is_error(404, "UnknownOperationException");
    server.signed("GET", "/console/voice-profile-domains", "").is_error(404, "UnknownOperationException");
}

#[test]
fn who_signs_badly_is_refused_with_the_name_of_what_is_wrong() {
    let server = Server::start();
    server.get("/channels").is_error(403, "MissingAuthenticationTokenException");
    let send = |request: String| server.send(&request);
    send(request(("AKIASOMEBODYELSE1234", SECRET), "GET", "/channels", &[], ""))
        .is_error(403, "UnrecognizedClientException");
    send(request((KEY, "another secret"), "GET", "/channels", &[], ""))
        .is_error(403, "InvalidSignatureException");
    let late = SystemTime::now() - Duration::from_secs(400);
    let message = send(request_at(late, (KEY, SECRET), "GET", "/channels", &[], ""))
        .is_error(403, "InvalidSignatureException");
    assert!(message.starts_with("Signature expired"), "{message}");
    let tampered =
        request((KEY, SECRET), "POST", "/channels", &[], "{\"Name\":\"a\"}").replace("\"a\"", "\"b\"");
    send(tampered).is_error(403, "InvalidSignatureException");
    send(
        "GET /channels HTTP/1.1\r\nhost: chime.test\r\nauthorization: AWS4-HMAC-SHA256 nonsense\r\n\r\n"
            .into(),
    )
    .is_error(403, "IncompleteSignatureException");
    let token = [("x-amz-security-token", "made up")];
    send(request((KEY, SECRET), "GET", "/channels", &token, "")).is_error(403, "UnrecognizedClientException");
}

#[test]
fn a_presigned_url_for_another_service_is_refused() {
    let server = Server::start();
    let request = request((KEY, SECRET), "GET", UNBUILT, &[], "").replace("/chime/", "/sts/");
    server.send(&request).is_error(403, "InvalidSignatureException");
}

#[test]
fn requests_beyond_the_burst_are_throttled_and_told_when_to_come_back() {
    let server = Server::with(&[
        ("CHIME_THROTTLE__REQUESTS_PER_SECOND", "1"),
        ("CHIME_THROTTLE__BURST", "2"),
        ("CHIME_THROTTLE__MEETINGS_PER_SECOND", "1"),
        ("CHIME_THROTTLE__MEETINGS_BURST", "2"),
    ]);
    for _ in 0..2 {
        server.signed("GET", UNBUILT, "").is_error(404, "UnknownOperationException");
    }
    let answer = server.signed("GET", UNBUILT, "");
    answer.is_error(429, "ThrottledClientException");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["Code"], "Throttled");
    // Meetings' clients know another name for it, and their operations share one burst.
    let todays = r#"{"ExternalMeetingId": "ab", "MediaRegion": "us-east-1"}"#;
    server.signed("POST", "/meetings", todays);
    server.signed("GET", "/meetings", "");
    let answer = server.signed("POST", "/meetings", todays);
    answer.is_error(429, "ThrottlingException");
    assert!(answer.json()["RequestId"].is_string());
}

#[test]
fn an_absolute_target_is_served_and_its_host_is_what_was_signed() {
    let server = Server::start();
    let request = request((KEY, SECRET), "GET", UNBUILT, &[], "");
    let absolute =
        request.replace("GET /", "GET http://chime.test/").replace("host: chime.test", "host: proxy.test");
    server.send(&absolute).is_error(404, "UnknownOperationException");
    let other = absolute.replace("http://chime.test/", "http://other.test/");
    server.send(&other).is_error(403, "InvalidSignatureException");
}
