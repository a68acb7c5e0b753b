//! The test clock over HTTP.

use crate::signed::request;
use crate::wire::{KEY, SECRET, Server};

#[test]
fn without_the_flag_there_is_no_clock() {
    let server = Server::start();
    server.get("/_chime/clock").is_error(404, "UnknownOperationException");
    server.post("/_chime/clock", r#"{"AdvanceSeconds": 1}"#).is_error(404, "UnknownOperationException");
}

#[test]
fn a_month_passes_at_once_for_dates_and_signatures_alike() {
    let server = Server::with(&[("CHIME_TEST_CLOCK", "true")]);
    let before = server.get("/_chime/clock").json()["Now"].as_str().unwrap().to_owned();
    assert_eq!(before.len(), "2021-01-11T22:12:31.123Z".len());
    let moved = server.post("/_chime/clock", r#"{"AdvanceSeconds": 2592000}"#);
    assert_eq!(moved.status, 200);
    let millis = |text: &str| chime_domain::time::Timestamp::parse(text).unwrap().millis();
    let passed = millis(moved.json()["Now"].as_str().unwrap()) - millis(&before);
    assert!((2_592_000_000..2_592_060_000).contains(&passed), "{passed}");
    let date = chime_domain::time::Timestamp::parse_http_date(moved.header("date").unwrap()).unwrap();
    assert!(date.millis() - millis(&before) >= 2_591_999_000);
    let message = server
        .send(&request((KEY, SECRET), "GET", "/channels", &[], ""))
        .is_error(403, "InvalidSignatureException");
    assert!(message.starts_with("Signature expired"), "{message}");
}

#[test]
fn a_move_that_is_no_number_of_seconds_is_refused_and_moves_nothing() {
    let server = Server::with(&[("CHIME_TEST_CLOCK", "true")]);
    let now = || server.get("/_chime/clock").json()["Now"].as_str().unwrap().get(..13).unwrap().to_owned();
    let before = now();
    for body in [
        "",
        "{}",
        "nonsense",
        r#"{"AdvanceSeconds": -1}"#,
        r#"{"AdvanceSeconds": "60"}"#,
        r#"{"AdvanceSeconds": 1e300}"#,
        r#"{"AdvanceSeconds": null}"#,
        r#"{"AdvanceSeconds": 99999999999}"#,
        r#"{"AdvanceSeconds": 1, "More": 2}"#,
    ] {
        server.post("/_chime/clock", body).is_error(400, "BadRequestException");
    }
    assert_eq!(now(), before);
    server
        .send("DELETE /_chime/clock HTTP/1.1\r\nhost: a\r\n\r\n")
        .is_error(405, "MethodNotAllowedException");
    assert_eq!(server.post("/_chime/clock", r#"{"AdvanceSeconds": 0.5}"#).status, 200);
}
