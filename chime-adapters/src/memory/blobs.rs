//! Blobs in a map.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chime_domain::ports::{BlobError, Blobs};

/// Keeps blobs until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    blobs: Mutex<HashMap<String, Bytes>>,
}

impl MemoryBlobs {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn blobs(&self) -> MutexGuard<'_, HashMap<String, Bytes>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        BlobError::check(name)?;
        self.blobs().insert(name.to_owned(), bytes);
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Bytes>, BlobError> {
        BlobError::check(name)?;
        Ok(self.blobs().get(name).cloned())
    }

    async fn delete(&self, name: &str) -> Result<(), BlobError> {
        BlobError::check(name)?;
        self.blobs().remove(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    chime_domain::blobs_conformance!(async { MemoryBlobs::new() });
}
