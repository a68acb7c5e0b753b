//! Arbitrary input is refused, and never ends in a panic.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const NOW: &str = "20210111T221231Z";

/// Pieces of real signatures between arbitrary text, to come past the first checks.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("AWS4-HMAC-SHA256 ".to_owned()),
        Just("Credential=".to_owned()),
        Just("AKIDEXAMPLE/20210111/us-east-1/chime/aws4_request".to_owned()),
        Just(", SignedHeaders=host".to_owned()),
        Just(";x-amz-date".to_owned()),
        Just(", Signature=".to_owned()),
        Just("0".repeat(64)),
        "\\PC{0,6}",
        "[,;=/ %]{1,3}",
    ];
    vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

fn queries() -> impl Strategy<Value = String> {
    let pair = prop_oneof![
        Just("X-Amz-Algorithm=AWS4-HMAC-SHA256".to_owned()),
        Just("X-Amz-Credential=A%2F20210111%2Fr%2Fchime%2Faws4_request".to_owned()),
        Just(format!("X-Amz-Date={NOW}")),
        Just("X-Amz-Expires=10".to_owned()),
        Just("X-Amz-SignedHeaders=host".to_owned()),
        Just(format!("X-Amz-Signature={}", "0".repeat(64))),
        "X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)=\\PC{0,8}",
        "(\\PC|%|&|=){0,8}",
    ];
    vec(pair, 0..10).prop_map(|pairs| pairs.join("&"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arbitrary_requests_are_refused_without_a_panic(
        path in "\\PC{0,12}", query in queries(), authorization in proptest::option::of(pieces()),
        date in prop_oneof![Just(NOW.to_owned()), "\\PC{0,16}"], body in vec(any::<u8>(), 0..8),
    ) {
        let mut request = Owned::new("GET", "/", &[("host", "h"), ("x-amz-date", &date)], "");
        request.path = path;
        request.query = query;
        request.body = body;
        if let Some(authorization) = authorization {
            request.set("authorization", &authorization);
        }
        prop_assert!(request.verify(at(NOW)).is_err());
    }

    #[test]
    fn arbitrary_header_bytes_are_refused_without_a_panic(value in vec(any::<u8>(), 0..80), name in 0_usize..5) {
        let names = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "host"];
        // Letter case and surrounding spaces of the host make no difference: `H` is what was signed.
        prop_assume!(names[name] != "host" || !value.trim_ascii().eq_ignore_ascii_case(b"h"));
        let signed = Owned::new("GET", "/", &[("host", "h")], "").signed(
            &signer(&Secret::new(SECRET), Some("token")),
            at(NOW),
        );
        signed.with(|request| {
            let mut headers = request.headers.to_vec();
            headers.retain(|(header, _)| *header != names[name]);
            headers.push((names[name], &value));
            let request = SignedRequest { headers: &headers, ..*request };
            let result = parse(&request).and_then(|parsed| {
                verify(&request, &parsed, &Secret::new(SECRET), &KeyCache::new(16), &["chime"], at(NOW))
            });
            assert!(result.is_err());
        });
    }

    #[test]
    fn arbitrary_moments_and_lifetimes_do_not_overflow(now in any::<i64>(), expires in 1_u32..=604_800) {
        let secret = Secret::new(SECRET);
        let request = Owned::new("GET", "/", &[("host", "h")], "").presigned(&signer(&secret, None), expires, at(NOW));
        let _ = request.verify(Timestamp::from_millis(now));
    }
}
