//! Session tokens: everything about temporary credentials, sealed into the token itself.
//!
//! Nothing is stored, so any node can read any token, and restarts lose none. What a session may do is read from its
//! role at each use; the token holds only what was said when it was made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::service::Iam;
use crate::access::policy::Tag;
use crate::text::Private;
use crate::time::Timestamp;

/// The first byte of a token, before its base 64.
const FORMAT: u8 = 1;
const NONCE: usize = 24;
/// Longest token that is looked at, in characters.
const LONGEST: usize = 32 * 1024;

/// What a session token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// The access key id that goes with it, `ASIA…`.
    pub(super) key: String,
    /// Whose session it is.
    pub(super) subject: Subject,
    /// When it ends.
    pub(super) expires: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) transitive: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) policy_arns: Vec<String>,
}

/// Whose session it is. Ids tell a user or role from one that was made again under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Subject {
    Role {
        role: String,
        id: String,
        session: String,
    },
    User {
        user: String,
        id: String,
    },
    Root,
    /// Somebody for whom a user vouches; without one, root does.
    Federated {
        name: String,
        by: Option<(String, String)>,
    },
}

impl Iam<'_> {
    /// The token of a session.
    pub(super) fn seal(&self, session: &Session) -> Option<Private<String>> {
        let mut nonce = [0; NONCE];
        self.chime.entropy().fill(&mut nonce);
        let msg = serde_json::to_vec(session).ok()?;
        let sealed = self
            .cipher()
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &msg, aad: session.key.as_bytes() })
            .ok()?;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Some(Private(STANDARD.encode(bytes)))
    }

    /// What a token says, if it was sealed here for this access key.
    pub(super) fn open(&self, access_key_id: &str, token: &str) -> Option<Session> {
        let bytes = STANDARD.decode(Some(token).filter(|token| token.len() <= LONGEST)?).ok()?;
        let (format, rest) = bytes.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE).filter(|_| *format == FORMAT)?;
        let payload = Payload { msg: sealed, aad: access_key_id.as_bytes() };
        let plain = self.cipher().decrypt(XNonce::from_slice(nonce), payload).ok()?;
        serde_json::from_slice::<Session>(&plain).ok().filter(|session| session.key == access_key_id)
    }

    /// The secret access key that goes with a token.
    pub(super) fn secret_of(&self, token: &str) -> Private<String> {
        // HMAC takes keys of every length, so there is no error to meet here.
        let mac = Hmac::<Sha256>::new_from_slice(&self.chime.secret_for("sts-secret-key"));
        let secret = mac.map_or_else(
            |_| String::new(),
            |mut mac| {
                mac.update(token.as_bytes());
                let bytes = mac.finalize().into_bytes();
                STANDARD.encode(bytes.get(..30).unwrap_or_default())
            },
        );
        Private(secret)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        use chacha20poly1305::KeyInit;
        XChaCha20Poly1305::new(&self.chime.secret_for("sts-session").into())
    }
}
