//! One test per rule of what is accepted and how the rest is refused.

use super::*;

const NOW: &str = "20210111T221231Z";
const BEARER: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a/user/u";

fn plain() -> Owned {
    Owned::new("GET", "/channels/arn%3Aaws?b=2&a=1", &[("host", "chime.test:8080")], "")
}

fn signed() -> Owned {
    plain().signed(&signer(&Secret::new(SECRET), None), at(NOW))
}

fn presigned(expires: u32) -> Owned {
    plain().presigned(&signer(&Secret::new(SECRET), None), expires, at(NOW))
}

fn edit(mut request: Owned, name: &str, change: impl Fn(&str) -> String) -> Owned {
    let value = change(request.header(name).unwrap());
    request.set(name, &value);
    request
}

#[test]
fn a_request_without_a_signature_lacks_authentication() {
    assert_eq!(plain().verify(at(NOW)), Err(SigError::MissingAuthentication));
    assert_eq!(SigError::MissingAuthentication.name(), "MissingAuthenticationTokenException");
    let mut empty = plain();
    empty.set("authorization", " ");
    assert_eq!(empty.verify(at(NOW)), Err(SigError::MissingAuthentication));
}

#[test]
fn another_scheme_or_algorithm_is_incomplete() {
    for value in ["Basic YTpi", "Bearer x", "AWS4-ECDSA-P256-SHA256 Credential=a", "AWS4-HMAC-SHA256"] {
        let mut request = plain();
        request.set("authorization", value);
        assert_eq!(request.verify(at(NOW)), Err(SigError::Algorithm), "{value}");
    }
    let mut request = presigned(10);
    request.query = request.query.replace("HMAC-SHA256", "HMAC-SHA1");
    assert_eq!(request.verify(at(NOW)), Err(SigError::Algorithm));
}

#[test]
fn commas_of_the_header_may_have_spaces_or_none() {
    assert_eq!(signed().verify(at(NOW)), Ok(()));
    for separator in [",", " ,  ", ",\t"] {
        let request = edit(signed(), "authorization", |value| value.replace(", ", separator));
        assert_eq!(request.verify(at(NOW)), Ok(()), "{separator:?}");
    }
}

#[test]
fn every_missing_piece_of_the_header_is_named() {
    for part in ["Credential", "SignedHeaders", "Signature"] {
        let drop = |value: &str| {
            let fields = value.strip_prefix("AWS4-HMAC-SHA256 ").unwrap().split(", ");
            let kept: Vec<_> = fields.filter(|field| !field.starts_with(&format!("{part}="))).collect();
            format!("AWS4-HMAC-SHA256 {}", kept.join(", "))
        };
        let request = edit(signed(), "authorization", drop);
        assert_eq!(request.verify(at(NOW)), Err(SigError::MissingPart(part)));
        let request = edit(signed(), "authorization", |value| format!("{value}, {part}=x"));
        assert_eq!(request.verify(at(NOW)), Err(SigError::RepeatedPart(part)));
    }
    let mut request = signed();
    request.headers.retain(|(name, _)| name != "x-amz-date");
    assert_eq!(request.verify(at(NOW)), Err(SigError::MissingPart("X-Amz-Date")));
}

#[test]
fn every_missing_or_repeated_piece_of_the_query_is_named() {
    for part in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let mut request = presigned(10);
        let kept: Vec<_> =
            request.query.split('&').filter(|pair| !pair.starts_with(&format!("{part}="))).collect();
        request.query = kept.join("&");
        assert_eq!(request.verify(at(NOW)), Err(SigError::MissingPart(part)));
        let mut request = presigned(10);
        request.query.push_str(&format!("&{}=1", part.replace('-', "%2D")));
        assert_eq!(request.verify(at(NOW)), Err(SigError::RepeatedPart(part)));
    }
}

#[test]
fn a_header_signature_is_good_for_five_minutes_either_way() {
    assert_eq!(signed().verify(at("20210111T221731Z")), Ok(()));
    assert_eq!(signed().verify(at("20210111T220731Z")), Ok(()));
    let late = signed().verify(at("20210111T221732Z")).unwrap_err();
    assert!(late.message().starts_with("Signature expired: 20210111T221231Z "), "{late}");
    assert!(late.message().contains("20210111T221732Z"), "{late}");
    assert_eq!(late.name(), "InvalidSignatureException");
    let early = signed().verify(at("20210111T220730Z")).unwrap_err();
    assert!(early.message().starts_with("Signature not yet current: 20210111T221231Z "), "{early}");
}

#[test]
fn a_presigned_url_is_good_from_the_skew_before_its_date_to_its_expiry() {
    assert_eq!(presigned(10).verify(at("20210111T221241Z")), Ok(()));
    assert_eq!(presigned(10).verify(at("20210111T220731Z")), Ok(()));
    assert_eq!(presigned(604_800).verify(at("20210118T221231Z")), Ok(()));
    assert!(matches!(presigned(10).verify(at("20210111T221242Z")), Err(SigError::Expired { .. })));
    assert!(matches!(presigned(10).verify(at("20210111T220730Z")), Err(SigError::NotYetCurrent { .. })));
    assert!(matches!(presigned(604_800).verify(at("20210118T221232Z")), Err(SigError::Expired { .. })));
}

#[test]
fn a_lifetime_is_from_one_second_to_seven_days() {
    assert_eq!(presigned(1).verify(at(NOW)), Ok(()));
    for expires in [0, 604_801, u32::MAX] {
        assert_eq!(presigned(expires).verify(at(NOW)), Err(SigError::Expires), "{expires}");
    }
    for expires in ["", "-1", "%2B10", "ten", "1.5", "99999999999"] {
        let mut request = presigned(10);
        request.query = request.query.replace("X-Amz-Expires=10", &format!("X-Amz-Expires={expires}"));
        assert_eq!(request.verify(at(NOW)), Err(SigError::Expires), "{expires}");
    }
}

#[test]
fn the_day_of_the_scope_is_the_day_of_the_request() {
    let request = edit(signed(), "authorization", |value| value.replace("20210111", "20210110"));
    assert_eq!(request.verify(at(NOW)), Err(SigError::ScopeDate));
    let mut request = presigned(10);
    request.query = request.query.replace("%2F20210111%2F", "%2F20210112%2F");
    assert_eq!(request.verify(at(NOW)), Err(SigError::ScopeDate));
    assert_eq!(SigError::ScopeDate.name(), "IncompleteSignatureException");
}

#[test]
fn an_unreadable_date_is_incomplete() {
    for date in ["2021-01-11T22:12:31Z", "20210111T221231", "20211311T221231Z", "", "20210111T22:12:31Z"] {
        let request = edit(signed(), "x-amz-date", |_| date.to_owned());
        assert_eq!(request.verify(at(NOW)), Err(SigError::Malformed("X-Amz-Date")), "{date}");
    }
}

#[test]
fn the_date_header_serves_when_there_is_no_amz_date() {
    for date in ["Mon, 11 Jan 2021 22:12:31 GMT", NOW] {
        let secret = Secret::new(SECRET);
        let mut request = plain();
        request.set("date", date);
        let scope = Scope { date: "20210111".into(), region: "r".into(), service: "chime".into() };
        let signature = request.with(|request| {
            let payload = canonical::Payload::of(request).unwrap();
            let canonical =
                canonical::Canonical { request, signed_headers: "date;host", presigned: false, payload };
            let digest = canonical.digest(canonical::Form::STANDARD).unwrap();
            String::from_utf8(
                hex::encode(&SigningKey::derive(&secret, &scope).sign(NOW, &scope, &digest)).to_vec(),
            )
        });
        let credential = "Credential=AKIDEXAMPLE/20210111/r/chime/aws4_request";
        let authorization =
            format!("{ALGORITHM} {credential}, SignedHeaders=date;host, Signature={}", signature.unwrap());
        request.set("authorization", &authorization);
        assert_eq!(request.verify(at(NOW)), Ok(()), "{date}");
    }
}

#[test]
fn headers_that_change_meaning_must_be_signed() {
    for name in ["x-amz-chime-bearer", "x-amz-security-token"] {
        for mut request in [signed(), presigned(10)] {
            request.set(name, BEARER);
            assert_eq!(request.verify(at(NOW)), Err(SigError::UnsignedHeader(name)));
        }
    }
    let request = edit(signed(), "authorization", |value| value.replace("host;x-amz-date", "host"));
    assert_eq!(request.verify(at(NOW)), Err(SigError::UnsignedHeader("x-amz-date")));
    let request = edit(signed(), "authorization", |value| value.replace("host;x-amz-date", "x-amz-date"));
    assert_eq!(request.verify(at(NOW)), Err(SigError::UnsignedHeader("host")));
}

#[test]
fn headers_that_change_meaning_must_not_be_repeated() {
    let mut request = plain();
    request.set("x-amz-chime-bearer", "one,two");
    let mut request = request.signed(&signer(&Secret::new(SECRET), None), at(NOW));
    assert_eq!(request.verify(at(NOW)), Ok(()));
    // The joined value, which is what is signed, stays the same.
    request.set("x-amz-chime-bearer", "one");
    request.headers.push(("x-amz-chime-bearer".to_owned(), "two".to_owned()));
    assert_eq!(request.verify(at(NOW)), Err(SigError::RepeatedPart("x-amz-chime-bearer")));
}

#[test]
fn a_listed_header_must_be_there() {
    let mut request = plain();
    request.set("x-amz-chime-bearer", BEARER);
    let mut request = request.presigned(&signer(&Secret::new(SECRET), None), 10, at(NOW));
    assert_eq!(request.verify(at(NOW)), Ok(()));
    request.headers.retain(|(name, _)| name == "host");
    assert_eq!(request.verify(at(NOW)), Err(SigError::AbsentHeader));
}

#[test]
fn headers_that_are_not_listed_are_free_to_change() {
    let mut request = signed();
    request.set("user-agent", "anything");
    request.set("amz-sdk-request", "attempt=2; max=3");
    assert_eq!(request.verify(at(NOW)), Ok(()));
}

#[test]
fn another_service_is_an_invalid_signature() {
    let secret = Secret::new(SECRET);
    let request = plain().signed(&Signer { service: "s3", ..signer(&secret, None) }, at(NOW));
    let error = request.verify(at(NOW)).unwrap_err();
    assert_eq!(error, SigError::Service { expected: "chime or sts".to_owned() });
    assert_eq!(error.name(), "InvalidSignatureException");
}

#[test]
fn any_region_is_accepted() {
    let secret = Secret::new(SECRET);
    for region in ["us-east-1", "eu-central-1", "anywhere"] {
        let request = plain().signed(&Signer { region, ..signer(&secret, None) }, at(NOW));
        assert_eq!(request.verify(at(NOW)), Ok(()), "{region}");
    }
}

#[test]
fn a_request_signed_in_both_places_is_refused() {
    let mut request = presigned(10);
    request.set("authorization", signed().header("authorization").unwrap());
    assert_eq!(request.verify(at(NOW)), Err(SigError::SignedTwice));
    // Credentials of another scheme, as a proxy may demand them, do not matter to a presigned URL.
    request.set("authorization", "Bearer x");
    assert_eq!(request.verify(at(NOW)), Ok(()));
}

#[test]
fn a_body_hash_that_is_sent_must_be_that_of_the_body() {
    let mut request = Owned::new("POST", "/meetings", &[("host", "h")], "{}");
    request.set("x-amz-content-sha256", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    let mut request = request.signed(&signer(&Secret::new(SECRET), None), at(NOW));
    assert_eq!(request.verify(at(NOW)), Ok(()));
    request.body = b"[]".to_vec();
    assert_eq!(request.verify(at(NOW)), Err(SigError::ContentHash));
}

#[test]
fn an_unsigned_payload_needs_tls() {
    let mut request = Owned::new("POST", "/meetings", &[("host", "h")], "{}");
    request.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    request.secure = true;
    let mut request = request.signed(&signer(&Secret::new(SECRET), None), at(NOW));
    assert_eq!(request.verify(at(NOW)), Ok(()));
    request.secure = false;
    assert_eq!(request.verify(at(NOW)), Err(SigError::UnsignedPayload));
}

#[test]
fn a_presigned_url_does_not_cover_a_body() {
    let mut request = presigned(10);
    request.body = b"{}".to_vec();
    assert_eq!(request.verify(at(NOW)), Err(SigError::Mismatch));
}

#[test]
fn a_host_signed_in_lower_case_may_be_sent_as_typed() {
    let mut request = signed();
    request.set("host", "Chime.TEST:8080");
    assert_eq!(request.verify(at(NOW)), Ok(()));
    request.set("host", "chime.test:8081");
    assert_eq!(request.verify(at(NOW)), Err(SigError::Mismatch));
}

#[test]
fn a_signature_for_a_path_does_not_serve_for_its_double_encoding() {
    let mut request = signed();
    assert_eq!(request.path, "/channels/arn%3Aaws");
    request.path = "/channels/arn%253Aaws".to_owned();
    assert_eq!(request.verify(at(NOW)), Err(SigError::Mismatch));
}

#[test]
fn dot_segments_are_not_resolved() {
    for path in ["/channels/./arn%3Aaws", "/x/../channels/arn%3Aaws", "/channels/arn%3Aaws/."] {
        let mut request = signed();
        request.path = path.to_owned();
        assert_eq!(request.verify(at(NOW)), Err(SigError::Mismatch), "{path}");
    }
}

#[test]
fn the_signature_may_stand_anywhere_in_the_query() {
    let mut request = presigned(10);
    let mut pairs: Vec<_> = request.query.split('&').collect();
    pairs.rotate_right(3);
    request.query = pairs.join("&");
    assert_eq!(request.verify(at(NOW)), Ok(()));
}

#[test]
fn a_key_enters_the_cache_with_its_first_good_signature_only() {
    let cache = KeyCache::new(16);
    let verify = |request: &Owned, secret: &str| {
        request.with(|request| {
            let parsed = parse(request).unwrap();
            verify(request, &parsed, &Secret::new(secret), &cache, &["chime"], at(NOW))
        })
    };
    assert_eq!(verify(&signed(), "wrong"), Err(SigError::Mismatch));
    assert!(cache.is_empty());
    for _ in 0..2 {
        assert_eq!(verify(&signed(), SECRET), Ok(()));
        assert_eq!(cache.len(), 1);
    }
    assert_eq!(verify(&signed(), "wrong"), Err(SigError::Mismatch));
}

#[test]
fn nothing_secret_is_printed() {
    let secret = Secret::new(SECRET);
    let request = plain().presigned(&signer(&secret, Some("session-token-text")), 10, at(NOW));
    let printed = request.with(|request| {
        let parsed = parse(request).unwrap();
        let token = parsed.security_token.clone().unwrap();
        let key = SigningKey::derive(&secret, &parsed.scope);
        format!("{request:?} {parsed:?} {token:?} {secret:?} {key:?} {:?}", signer(&secret, None))
    });
    let signature = request.query.rsplit_once('=').unwrap().1;
    for hidden in [SECRET, "session-token-text", signature] {
        assert!(!printed.contains(hidden), "{printed}");
    }
}
