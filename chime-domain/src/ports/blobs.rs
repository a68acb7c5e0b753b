//! Blobs: attachments and recordings, by name.

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Cause;

/// A blob store failed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The name is empty, absolute, or steps out of the store.
    #[error("the blob name is not valid")]
    InvalidName,
    /// The store cannot serve now.
    #[error("the blob store is unavailable")]
    Unavailable(#[source] Cause),
}

/// Keeps blobs under names: relative paths of segments that are neither empty nor `.` or `..`.
#[async_trait]
pub trait Blobs: Send + Sync + std::fmt::Debug {
    /// Keeps a blob, whole or not at all, in place of one with that name.
    ///
    /// # Errors
    ///
    /// [`BlobError::InvalidName`], [`BlobError::Unavailable`].
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), BlobError>;

    /// The blob of that name.
    ///
    /// # Errors
    ///
    /// [`BlobError::InvalidName`], [`BlobError::Unavailable`].
    async fn get(&self, name: &str) -> Result<Option<Bytes>, BlobError>;

    /// Removes a blob; nothing happens when there is none.
    ///
    /// # Errors
    ///
    /// [`BlobError::InvalidName`], [`BlobError::Unavailable`].
    async fn delete(&self, name: &str) -> Result<(), BlobError>;
}

impl BlobError {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`BlobError::InvalidName`].
    pub fn check(name: &str) -> Result<(), Self> {
        let valid = |segment: &str| {
            !segment.is_empty() && segment != "." && segment != ".." && !segment.contains(['\\', '\0'])
        };
        if name.len() <= 1024 && name.split('/').all(valid) { Ok(()) } else { Err(Self::InvalidName) }
    }
}
