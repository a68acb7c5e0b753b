//! From an access key id to its credentials.

use std::fmt;
use std::sync::Arc;

use chime_domain::Chime;
use chime_domain::error::StoreError;
use chime_domain::iam::Caller;
use chime_domain::time::Timestamp;

use super::sigv4::Secret;

/// The key of the account's owner.
#[derive(Clone)]
pub struct RootKey {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
}

impl RootKey {
    /// A key from its two texts.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<Box<str>>) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key: Secret::new(secret_access_key) }
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// What an access key stands for.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Its secret.
    pub secret: Secret,
    /// When temporary credentials end.
    pub expires: Option<Timestamp>,
    /// Who it is.
    pub caller: Arc<Caller>,
}

/// Everybody who can sign: the owner by the key the operator set, all others by the records of IAM.
#[derive(Debug)]
pub struct Keys {
    chime: Chime,
    root: Option<(String, Credentials)>,
}

impl Keys {
    pub(crate) fn new(chime: Chime, root: Option<RootKey>) -> Self {
        let caller = Arc::new(Caller::root(&chime.settings().account));
        let root = root.map(|key| {
            (key.access_key_id, Credentials { secret: key.secret_access_key, expires: None, caller })
        });
        Self { chime, root }
    }

    /// The credentials behind an access key, as they are now.
    ///
    /// A token with a permanent key, and a temporary key without its token, are nobody's (wire fact A-09).
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn find(
        &self,
        access_key_id: &str,
        session_token: Option<&str>,
    ) -> Result<Option<Credentials>, StoreError> {
        if let Some((_, credentials)) = self.root.as_ref().filter(|(id, _)| id == access_key_id) {
            return Ok(session_token.is_none().then(|| credentials.clone()));
        }
        let found = self.chime.iam().identity_of(access_key_id, session_token).await?;
        Ok(found.map(|found| Credentials {
            secret: Secret::new(found.secret.0.as_str()),
            expires: found.expires,
            caller: Arc::clone(&found.caller),
        }))
    }
}
