//! Signatures in header and query: none breaks the parser, and what our signer signs is accepted.
//!
//! The input is a request: a line of method, path and query, lines of headers, an empty line, the body.
#![no_main]

use chime_fuzz::{ACCESS_KEY, NOW, secret, signer};
use chime_server::auth::sigv4::{KeyCache, Secret, SigError, SignedRequest, parse, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &b""[..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let Ok(first) = std::str::from_utf8(lines.next().unwrap_or_default()) else { return };
    let mut words = first.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (method, raw_path, raw_query) = (word(), word(), word());
    let mut headers = Vec::new();
    for line in lines {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let Ok(name) = std::str::from_utf8(&line[..at]) else { continue };
        headers.push((name, line[at + 1..].trim_ascii_start()));
    }
    let secure = data.len() % 2 == 0;
    let request = SignedRequest { method, raw_path, raw_query, headers: &headers, body, secure };
    let (secret, cache) = (secret(), KeyCache::new(16));
    let outcome = check(&request, &secret, &cache);
    if outcome.is_ok() {
        assert!(check(&request, &secret, &cache).is_ok(), "accepted once and then refused");
    }

    // Whatever can be sent and is not signed yet can be signed, and is accepted then.
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let ours = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "date"];
    let mut headers = headers.clone();
    headers.retain(|(name, _)| is_name(name) && *name != "host" && !ours.contains(name));
    headers.sort_unstable_by_key(|(name, _)| *name);
    headers.dedup_by_key(|(name, _)| *name);
    headers.push(("host", b"chime.test"));
    let request = SignedRequest { headers: &headers, ..request };
    if !matches!(parse(&request), Err(SigError::MissingAuthentication)) {
        return;
    }
    let signer = signer(&secret, "chime");
    assert_eq!(signer.access_key, ACCESS_KEY);
    if let Ok(added) = signer.sign_headers(&request, NOW) {
        let mut signed = headers.clone();
        signed.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        let outcome = check(&SignedRequest { headers: &signed, ..request }, &secret, &cache);
        assert!(outcome.is_ok(), "{outcome:?}");
    }
    // A parameter of the signature's own names, in plain or encoded, would stand there twice.
    if raw_query.contains("X-Amz-") || raw_query.contains('%') {
        return;
    }
    let bodiless = SignedRequest { body: b"", ..request };
    if let Ok(query) = signer.presign(&bodiless, 300, NOW) {
        let outcome = check(&SignedRequest { raw_query: &query, ..bodiless }, &secret, &cache);
        assert!(outcome.is_ok(), "{outcome:?}");
    }
});

fn check(request: &SignedRequest<'_>, secret: &Secret, cache: &KeyCache) -> Result<(), SigError> {
    let parsed = parse(request)?;
    verify(request, &parsed, secret, cache, &["chime"], NOW)
}
