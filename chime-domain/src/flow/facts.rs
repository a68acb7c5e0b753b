//! Records as facts: typed, and able to guard what is decided on them.

use std::sync::Arc;

use crate::error::StoreError;
use crate::ports::{Entity, Guard, Key, Revision, Store, Versioned};

/// One record as it was read, or its absence.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    key: Key,
    found: Option<(Revision, Arc<T>)>,
}

impl<T: Entity> Loaded<T> {
    /// Decodes what a store read at `key`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`].
    pub fn decode(key: Key, found: Option<Versioned>) -> Result<Self, StoreError> {
        let found = match found {
            Some(found) => Some((found.revision, found.record.read::<T>()?)),
            None => None,
        };
        Ok(Self { key, found })
    }

    /// A record that is known not to exist.
    #[must_use]
    pub fn absent(key: Key) -> Self {
        Self { key, found: None }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The value, if it exists.
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        self.found.as_ref().map(|(_, value)| &**value)
    }

    /// The value, shared.
    #[must_use]
    pub fn shared(&self) -> Option<Arc<T>> {
        self.found.as_ref().map(|(_, value)| Arc::clone(value))
    }

    /// True when it exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.found.is_some()
    }

    /// Requires it to be still so when the decision is committed.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard { key: self.key.clone(), revision: self.found.as_ref().map(|(revision, _)| *revision) }
    }
}

/// Reads one record.
///
/// # Errors
///
/// [`StoreError`].
pub async fn load<T: Entity>(store: &dyn Store, key: Key) -> Result<Loaded<T>, StoreError> {
    let found = store.get(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
    Loaded::decode(key, found)
}
