//! Percent-encoding with the strict unreserved set of signatures, `A-Z a-z 0-9 - . _ ~` (wire fact A-04).

use std::borrow::Cow;

/// Where canonical text goes: into a hash, or into a text.
pub(super) trait Sink {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for sha2::Sha256 {
    fn put(&mut self, bytes: &[u8]) {
        sha2::Digest::update(self, bytes);
    }
}

/// Encodes bytes, leaving `/` alone when `slashes` says so. A `%` is encoded like any other byte.
pub(super) fn encode(sink: &mut impl Sink, bytes: &[u8], slashes: bool) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let plain = rest.iter().take_while(|byte| is_plain(**byte, slashes)).count();
        let (run, tail) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
        if !run.is_empty() {
            sink.put(run);
        }
        rest = match tail.split_first() {
            Some((byte, tail)) => {
                sink.put(&[b'%', digit(byte >> 4), digit(byte & 15)]);
                tail
            }
            None => tail,
        };
    }
}

/// The bytes that an encoded text stands for. A `%` without two digits after it stands for itself, and so
/// does `+` (wire fact W-06).
pub(super) fn decode(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('%') {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push((nibble(*high) << 4) | nibble(*low));
                tail
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    Cow::Owned(bytes)
}

/// A query name or value decoded and strictly encoded again; borrowed when that changes nothing, which is
/// the rule with real clients.
pub(super) fn recode(text: &str) -> Cow<'_, [u8]> {
    if is_strict(text.as_bytes()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut strict = Vec::with_capacity(text.len() + 16);
    encode(&mut strict, &decode(text), false);
    Cow::Owned(strict)
}

/// Whether [`encode`] would change a path.
pub(super) fn path_needs_encoding(path: &str) -> bool {
    !path.bytes().all(|byte| is_plain(byte, true))
}

fn is_strict(mut rest: &[u8]) -> bool {
    while let Some((first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..])
                if is_upper_hex(*high)
                    && is_upper_hex(*low)
                    && !is_plain((nibble(*high) << 4) | nibble(*low), false) =>
            {
                tail
            }
            (byte, tail) if is_plain(*byte, false) => tail,
            _ => return false,
        };
    }
    true
}

const fn is_plain(byte: u8, slashes: bool) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || (slashes && byte == b'/')
}

const fn is_upper_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) }
}

/// The value of a hexadecimal digit of either case.
const fn nibble(digit: u8) -> u8 {
    match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => digit & 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        let mut out = Vec::new();
        encode(&mut out, text.as_bytes(), true);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_path_is_encoded_again_and_keeps_its_slashes() {
        assert_eq!(path("/channels/arn%3Aaws%2Fx"), "/channels/arn%253Aaws%252Fx");
        assert_eq!(path("/a:b/~c+d"), "/a%3Ab/~c%2Bd");
        assert_eq!(path("/\u{fc}"), "/%C3%BC");
    }

    #[test]
    fn a_query_value_is_decoded_once_and_encoded_strictly() {
        for (given, strict) in [
            ("plain-._~9", "plain-._~9"),
            ("a%2Bb%20c", "a%2Bb%20c"),
            ("a+b", "a%2Bb"),
            ("arn:aws/x", "arn%3Aaws%2Fx"),
            ("%2b%7e%41", "%2B~A"),
            ("%", "%25"),
            ("%zz%4", "%25zz%254"),
            ("%E6%97%A5", "%E6%97%A5"),
            ("\u{65e5}", "%E6%97%A5"),
        ] {
            assert_eq!(String::from_utf8_lossy(&recode(given)), strict, "{given}");
        }
    }
}
