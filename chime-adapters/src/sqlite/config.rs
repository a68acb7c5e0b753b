//! What may be chosen.

use std::path::PathBuf;

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Synced to the disk before it is acknowledged: survives loss of power.
    #[default]
    Full,
    /// Handed to the operating system: survives a crash of the process, and after loss of power the database is
    /// whole, but the last commits may be missing.
    Normal,
}

/// How a [`SqliteStore`](super::SqliteStore) is opened.
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    pub(super) readers: usize,
    pub(super) queue: usize,
    pub(super) cache: usize,
}

impl SqliteConfig {
    /// A database file; it and its directory are made when they are not there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            readers: 4,
            queue: 4096,
            cache: 32 * 1024 * 1024,
        }
    }

    /// When a commit counts as durable; [`Durability::Full`] unless told.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Connections, and threads, that read; 4 unless told, at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Commits, and reads, that may wait before the store answers that it is busy; 4096 unless told, at least 1.
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue.max(1);
        self
    }

    /// Bytes of records kept in memory for reading; 32 MiB unless told, 0 to keep none.
    #[must_use]
    pub fn with_cache(mut self, bytes: usize) -> Self {
        self.cache = bytes;
        self
    }
}
