//! From an access key id to its credentials.

use std::fmt;
use std::sync::Arc;

use chime_domain::error::StoreError;

use super::caller::{Caller, Credentials};
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

/// Everybody who can sign.
#[derive(Debug)]
pub struct Keys {
    root: Option<(String, Credentials)>,
}

impl Keys {
    pub(crate) fn new(account: &str, root: Option<RootKey>) -> Self {
        let root = root.map(|key| {
            let credentials = Credentials {
                secret: key.secret_access_key,
                session_token: None,
                expires: None,
                caller: Arc::new(Caller::root(account)),
            };
            (key.access_key_id, credentials)
        });
        Self { root }
    }

    /// The credentials behind an access key, as they are now: nothing is kept, so that a change acts at once.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn find(&self, access_key_id: &str) -> Result<Option<Credentials>, StoreError> {
        let root = self.root.as_ref().filter(|(id, _)| id == access_key_id);
        Ok(root.map(|(_, credentials)| credentials.clone()))
    }
}
