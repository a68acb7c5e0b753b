//! Requests that real clients sent to a recording socket, with made-up credentials.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Recorded {
    name: String,
    secret: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn recorded(json: &str) -> impl Iterator<Item = (String, String, Owned)> {
    serde_json::from_str::<Vec<Recorded>>(json).unwrap().into_iter().map(|one| {
        let headers: Vec<_> =
            one.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        (one.name, one.secret, Owned::new(&one.method, &one.target, &headers, &one.body))
    })
}

fn date_of(request: &Owned) -> Timestamp {
    request.with(|request| parse(request).unwrap().date)
}

fn assert_all_accepted(json: &str, least: usize) {
    let mut failed = Vec::new();
    let mut count = 0;
    for (name, secret, request) in recorded(json) {
        count += 1;
        if let Err(error) = request.verify_with(&secret, date_of(&request)) {
            failed.push((name, error));
        }
    }
    assert_eq!(failed, []);
    assert!(count >= least, "only {count} recorded requests");
}

#[test]
fn requests_of_the_python_client_are_accepted() {
    assert_all_accepted(include_str!("../testdata/botocore.json"), 20);
}

#[test]
fn requests_of_curl_are_accepted() {
    assert_all_accepted(include_str!("../testdata/curl.json"), 15);
}

#[test]
fn recorded_requests_are_refused_under_another_secret() {
    for json in [include_str!("../testdata/botocore.json"), include_str!("../testdata/curl.json")] {
        for (name, secret, request) in recorded(json) {
            let refused = request.verify_with(&format!("{secret}x"), date_of(&request));
            assert_eq!(refused, Err(SigError::Mismatch), "{name}");
        }
    }
}

#[test]
fn the_session_token_of_a_recorded_request_is_handed_out_decoded() {
    let mut seen = 0;
    for (name, _, request) in recorded(include_str!("../testdata/botocore.json")) {
        request.with(|request| {
            let parsed = parse(request).unwrap();
            let token = parsed.security_token.as_ref().map(SessionToken::expose);
            let temporary = parsed.access_key == "ASIATEMPEXAMPLE";
            seen += usize::from(temporary);
            let expected = temporary.then_some("FwoGZXIvYXdzEBY//token+with/slashes=and==padding==");
            assert_eq!(token, expected, "{name}");
        });
    }
    assert!(seen >= 3);
}
