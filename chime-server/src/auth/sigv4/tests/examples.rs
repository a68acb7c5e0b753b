//! The examples published with the algorithm.

use super::*;

fn verify_example(request: &Owned, service: &str) -> Result<(), SigError> {
    request.with(|request| {
        let parsed = parse(request)?;
        let key = SigningKey::derive(&Secret::new(SECRET), &parsed.scope);
        verify_with_key(request, &parsed, &key, &[service], at("20150830T123600Z"))
    })
}

fn example(method: &str, target: &str, signature: &str) -> Owned {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={signature}"
    );
    let headers = [
        ("host", "example.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
        ("authorization", authorization.as_str()),
    ];
    Owned::new(method, target, &headers, "")
}

#[test]
fn the_list_users_example_is_accepted() {
    let request = Owned::new(
        "GET",
        "/?Action=ListUsers&Version=2010-05-08",
        &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, \
                 Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ],
        "",
    );
    assert_eq!(verify_example(&request, "iam"), Ok(()));
}

#[test]
fn the_plain_and_query_order_examples_are_accepted() {
    for (method, target, signature) in [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ] {
        assert_eq!(
            verify_example(&example(method, target, signature), "service"),
            Ok(()),
            "{method} {target}"
        );
    }
}

#[test]
fn the_canonical_request_has_the_published_text() {
    let request = Owned::new(
        "GET",
        "/?Version=2010-05-08&Action=ListUsers",
        &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ],
        "",
    );
    let text = request.with(|request| {
        let canonical = canonical::Canonical {
            request,
            signed_headers: "content-type;host;x-amz-date",
            presigned: false,
            payload: canonical::Payload::of(request).unwrap(),
        };
        let mut text = Vec::new();
        canonical.write(&mut text, canonical::Form::STANDARD).unwrap();
        String::from_utf8(text).unwrap()
    });
    assert_eq!(
        text,
        "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
         content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n\
         x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n\
         e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}
