//! The key of a day, region and service, derived from a secret.

use std::fmt;

use hmac::digest::{Key, KeyInit};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::{ALGORITHM, SCOPE_END, Scope, Secret, hex};

/// A derived signing key. Deriving one costs four keyed hashes, so [`super::KeyCache`] keeps them.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Derives the key of a secret for a scope.
    #[must_use]
    pub fn derive(secret: &Secret, scope: &Scope<'_>) -> Self {
        let mut start = Vec::with_capacity(4 + secret.expose().len());
        start.extend_from_slice(b"AWS4");
        start.extend_from_slice(secret.expose().as_bytes());
        let mut key = keyed(&start);
        for part in [&*scope.date, &*scope.region, &*scope.service, SCOPE_END] {
            key.update(part.as_bytes());
            key = keyed(&key.finalize().into_bytes());
        }
        Self(key)
    }

    /// Whether `signature` is that of the canonical request with the digest `canonical`; in constant time.
    pub(super) fn matches(
        &self,
        stamp: &str,
        scope: &Scope<'_>,
        canonical: &[u8; 32],
        signature: &[u8; 32],
    ) -> bool {
        self.string_to_sign(stamp, scope, canonical).verify_slice(signature).is_ok()
    }

    /// The signature of the canonical request with the digest `canonical`.
    pub(super) fn sign(&self, stamp: &str, scope: &Scope<'_>, canonical: &[u8; 32]) -> [u8; 32] {
        self.string_to_sign(stamp, scope, canonical).finalize().into_bytes().into()
    }

    fn string_to_sign(&self, stamp: &str, scope: &Scope<'_>, canonical: &[u8; 32]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        let digest = hex::encode(canonical);
        for (text, end) in [
            (ALGORITHM.as_bytes(), b"\n"),
            (stamp.as_bytes(), b"\n"),
            (scope.date.as_bytes(), b"/"),
            (scope.region.as_bytes(), b"/"),
            (scope.service.as_bytes(), b"/"),
            (SCOPE_END.as_bytes(), b"\n"),
        ] {
            mac.update(text);
            mac.update(end);
        }
        mac.update(&digest);
        mac
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// The keyed hash of RFC 2104: a key is padded to one block, or hashed first when it is longer.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = Key::<Hmac<Sha256>>::default();
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => return keyed(&Sha256::digest(key)),
    }
    <Hmac<Sha256> as KeyInit>::new(&block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_those_of_the_published_keyed_hash() {
        for length in [0, 1, 31, 32, 63, 64, 65, 200] {
            let key = vec![7; length];
            let ours = keyed(&key).chain_update(b"text").finalize().into_bytes();
            let theirs =
                <Hmac<Sha256> as Mac>::new_from_slice(&key).unwrap().chain_update(b"text").finalize();
            assert_eq!(ours, theirs.into_bytes(), "{length}");
        }
    }
}
