//! Encoded entities: bytes for the store, a typed value for the rules.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// Grows with every write of a record and never repeats under one key, not even when the record is removed and made
/// anew; a guard compares it.
pub type Revision = u64;

/// A value that is kept in a record or a log entry.
///
/// Its stored form is `NAME VERSION JSON`. A change of the fields that old bytes do not fit raises `VERSION` and
/// teaches [`Entity::upgrade`] the old form; adding an optional field does not.
pub trait Entity: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is, in the stored bytes.
    const NAME: &'static str;
    /// Version of the stored form.
    const VERSION: u16 = 1;

    /// Reads an older stored form.
    fn upgrade(_version: u16, _json: &[u8]) -> Option<Self> {
        None
    }
}

/// An encoded entity. Clones share the bytes, and the decoded value once somebody has asked for it.
#[derive(Clone)]
pub struct Record(Arc<Inner>);

struct Inner {
    bytes: Box<[u8]>,
    value: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Record {
    /// Encodes a value.
    #[must_use]
    pub fn of<T: Entity>(value: T) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(T::NAME.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(T::VERSION.to_string().as_bytes());
        bytes.push(b' ');
        // Entities are structs of strings, numbers and lists, for which this encoder does not fail; were one to
        // fail, its record would be unreadable and reported as corrupt, never taken for another value.
        if serde_json::to_writer(&mut bytes, &value).is_err() {
            bytes.clear();
        }
        let cell = OnceLock::new();
        let _ = cell.set(Arc::new(value) as Arc<dyn Any + Send + Sync>);
        Self(Arc::new(Inner { bytes: bytes.into(), value: cell }))
    }

    /// A record as a store read it.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self(Arc::new(Inner { bytes: bytes.into(), value: OnceLock::new() }))
    }

    /// The stored form.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The name of the entity inside.
    #[must_use]
    pub fn name(&self) -> &str {
        let end = self.0.bytes.iter().position(|b| *b == b' ').unwrap_or_default();
        self.0.bytes.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// The value inside, decoded once.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] when the bytes hold something else.
    pub fn read<T: Entity>(&self) -> Result<Arc<T>, StoreError> {
        let known = self.0.value.get().and_then(|value| Arc::clone(value).downcast::<T>().ok());
        if let Some(value) = known {
            return Ok(value);
        }
        let value = Arc::new(decode::<T>(&self.0.bytes)?);
        let _ = self.0.value.set(Arc::clone(&value) as Arc<dyn Any + Send + Sync>);
        Ok(value)
    }
}

fn decode<T: Entity>(bytes: &[u8]) -> Result<T, StoreError> {
    let corrupt = |why: &str| StoreError::Corrupt { what: format!("{}: {why}", T::NAME), source: None };
    let mut parts = bytes.splitn(3, |b| *b == b' ');
    let (Some(name), Some(version), Some(json)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(corrupt("no header"));
    };
    if name != T::NAME.as_bytes() {
        return Err(corrupt("another entity stands in its place"));
    }
    let version: u16 = std::str::from_utf8(version)
        .ok()
        .and_then(|version| version.parse().ok())
        .ok_or_else(|| corrupt("no version"))?;
    if version == T::VERSION {
        serde_json::from_slice(json).map_err(|error| StoreError::corrupt(T::NAME, error))
    } else {
        T::upgrade(version, json).ok_or_else(|| corrupt("an unknown version"))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}, <{} bytes>)", self.name(), self.0.bytes.len())
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.0.bytes == other.0.bytes
    }
}

impl Eq for Record {}

/// A record with the revision at which it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Its revision.
    pub revision: Revision,
    /// The record.
    pub record: Record,
}
