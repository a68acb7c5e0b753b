//! Client request tokens: a repeated creation answers what the first one did (wire.md section 5).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Loaded;
use super::task::{Task, TaskKind};
use crate::error::Refusal;
use crate::ids::ClientRequestToken;
use crate::limits::TOKEN_HOURS;
use crate::ports::{Change, Entity, Guard, Key, Record};
use crate::time::Timestamp;

/// What a token was used for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Digest of the parameters.
    pub fingerprint: String,
    /// What was created: an ARN or an id.
    pub created: String,
    /// Until when it is remembered.
    pub until: Timestamp,
}

impl Entity for Token {
    const NAME: &'static str = "token";
}

/// A digest of anything serializable, for comparing the parameters of two requests.
#[must_use]
pub fn fingerprint(of: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(of).unwrap_or_default();
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The claim of a creation on its token.
#[derive(Clone, Debug)]
pub struct Claim {
    found: Loaded<Token>,
    fingerprint: String,
    freed: bool,
}

impl Claim {
    /// The record of a token; its scope is what the token is unique in (wire rule T-06).
    #[must_use]
    pub fn key(scope: &[&str], token: &ClientRequestToken) -> Key {
        let mut digest = Sha256::new();
        for part in scope.iter().chain([&token.as_str()]) {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        Key::new("token", &[&hex(&digest.finalize())])
    }

    /// The claim of a request with these parameters on the token that was read.
    #[must_use]
    pub fn new(found: Loaded<Token>, fingerprint: String) -> Self {
        Self { found, fingerprint, freed: false }
    }

    /// Says that what the token created is gone, which frees the token (wire rule T-07).
    #[must_use]
    pub fn freed(mut self, freed: bool) -> Self {
        self.freed = freed;
        self
    }

    /// What an earlier request with this token created, whether or not it still exists.
    #[must_use]
    pub fn created(&self) -> Option<&str> {
        self.found.get().map(|token| token.created.as_str())
    }

    /// The result of the earlier request, to be answered again.
    ///
    /// # Errors
    ///
    /// A conflict when the token was used with other parameters.
    pub fn replay(&self, now: Timestamp) -> Result<Option<&str>, Refusal> {
        match self.found.get() {
            Some(token) if token.until > now && !self.freed => {
                if token.fingerprint == self.fingerprint {
                    Ok(Some(&token.created))
                } else {
                    Err(Refusal::conflict("T-06", "The ClientRequestToken was used with other parameters.")
                        .unless("use a new token, or repeat the request as it was."))
                }
            }
            _ => Ok(None),
        }
    }

    /// Guard and changes that remember what the token created.
    #[must_use]
    pub fn take(&self, created: &str, now: Timestamp) -> (Guard, [Change; 2]) {
        let until = now + Duration::from_secs(TOKEN_HOURS * 3600);
        let token = Token { fingerprint: self.fingerprint.clone(), created: created.to_owned(), until };
        let forget = Task::new(TaskKind::ForgetToken, until, [self.found.key().last().to_owned()]);
        (self.found.guard(), [Change::Put(self.found.key().clone(), Record::of(token)), forget.schedule()])
    }
}
