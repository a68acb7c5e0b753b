//! The driver's errors, as the port's.

use chime_domain::error::{Cause, StoreError};
use rusqlite::ErrorCode;

use crate::state::StateError;

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// A later release wrote it.
    #[error("the database has version {found}, and this release knows up to {known}: use a newer release")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version that this release knows.
        known: i64,
    },
    /// Another process has it open, or this one has already.
    #[error("the database is in use")]
    InUse,
    /// It does not hold what it should.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Some of what is to be imported is there.
    #[error("some of it is there already")]
    Taken,
    /// The state to make a database of cannot be used, or that of a database cannot be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The operating system refused a file or a thread.
    #[error("the database cannot be opened")]
    Io(#[from] std::io::Error),
    /// SQLite refused it.
    #[error("the database cannot be used")]
    Unusable(#[source] Cause),
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unusable(Box::new(error))
    }
}

impl SqliteError {
    /// Of a row whose place is taken, says so.
    pub(super) fn if_taken(self) -> Self {
        let Self::Unusable(cause) = &self else { return self };
        let code = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        if code == Some(ErrorCode::ConstraintViolation) { Self::Taken } else { self }
    }
}

/// What a driver's error means to a caller.
///
/// An error of one transaction is told to each of its commits, and the driver's errors cannot be shared: each is told
/// the text.
pub(super) fn explain(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            return StoreError::corrupt("the database", text);
        }
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "the disk cannot be read or written, it may be full",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "the database is locked",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "the database may not be written",
        Some(ErrorCode::OutOfMemory) => "out of memory",
        _ => "the database failed",
    };
    StoreError::unavailable(reason, text)
}

/// True when the error may be the doing of one batch, and others in its transaction would pass without it.
pub(super) fn may_blame_a_batch(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::CannotOpen
        )
    )
}

/// The store is closing or a thread of it has ended.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable { reason: "the store is closed".into(), source: None }
}

/// Too many wait.
pub(super) fn busy(what: &'static str) -> StoreError {
    StoreError::Unavailable { reason: format!("busy: too many {what} wait").into(), source: None }
}
