//! The driver's errors, as the port's.

use std::fmt;

use chime_domain::error::{Cause, StoreError};
use tokio_postgres::error::SqlState;

use crate::state::StateError;

/// A database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The URL cannot be read. It is not repeated here: it may hold a password.
    #[error("the database URL is not valid: {0}")]
    Url(String),
    /// A later release wrote it.
    #[error("the database has version {found}, and this release knows up to {known}: use a newer release")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version that this release knows.
        known: i64,
    },
    /// Another node has it, and this one and that do not hear each other.
    #[error("another node uses the database, and {0}")]
    InUse(&'static str),
    /// It has no schema: no server has used it yet.
    #[error("there is no state in the database yet")]
    Empty,
    /// A state is to be restored into it, and it has one.
    #[error("the database is not empty: restore into one of its own")]
    NotEmpty,
    /// Some of what is to be imported is there.
    #[error("some of it is there already")]
    Taken,
    /// It does not hold what it should.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The state to restore cannot be used, or that of the database cannot be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The certificates to trust cannot be read.
    #[error("the root certificates cannot be read")]
    Certificates(#[source] Cause),
    /// It cannot be reached, or refused what was asked.
    #[error("the database cannot be used")]
    Unusable(#[source] Cause),
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unusable(Box::new(Told(error)))
    }
}

/// The driver's error with what the server said, which its own text leaves out.
#[derive(Debug)]
pub(super) struct Told(pub(super) tokio_postgres::Error);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_db_error() {
            // Details are left out: they may repeat values.
            Some(said) => write!(f, "{} ({})", said.message(), said.code().code()),
            None => {
                write!(f, "{}", self.0)?;
                let mut source = std::error::Error::source(&self.0);
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Told {}

/// Why something that was asked of the database did not come about.
#[derive(Debug)]
pub(super) enum Failure {
    /// The driver's error.
    Driver(tokio_postgres::Error),
    /// No answer within the time it may take.
    Silent,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Driver(error)
    }
}

impl Failure {
    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Driver(error) => error.code(),
            Self::Silent => None,
        }
    }

    /// True when the connection is of no further use.
    pub(super) fn ends_connection(&self) -> bool {
        match self.state() {
            // The server ends the session, or is about to (class 57P).
            Some(state) => {
                let code = state.code();
                code.starts_with("57P")
                    || code.starts_with("08")
                    || *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            }
            None => true,
        }
    }

    /// True when another transaction was in the way, and the same thing may pass when it is tried again.
    pub(super) fn is_overtaken(&self) -> bool {
        self.state().is_some_and(|state| {
            [
                SqlState::UNIQUE_VIOLATION,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::LOCK_NOT_AVAILABLE,
                // What the comparison of guards raises.
                SqlState::DIVISION_BY_ZERO,
            ]
            .contains(state)
        })
    }

    /// True when the failure may be the doing of one batch, and others would pass without it.
    pub(super) fn may_blame_a_batch(&self) -> bool {
        self.state().is_some_and(|state| {
            // Data exceptions, constraints, limits of a row, errors raised by triggers.
            ["22", "23", "54", "P0"].iter().any(|class| state.code().starts_with(class))
        })
    }

    /// What it means to a caller. One failure is told to many, so they are told the text.
    pub(super) fn explain(&self) -> StoreError {
        match self {
            Self::Silent => {
                StoreError::Unavailable { reason: "the database does not answer".into(), source: None }
            }
            Self::Driver(error) => explain(error),
        }
    }
}

/// What a driver's error means to a caller.
pub(super) fn explain(error: &tokio_postgres::Error) -> StoreError {
    let Some(said) = error.as_db_error() else {
        return unavailable("the database cannot be reached", error);
    };
    let code = said.code();
    if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED {
        return StoreError::corrupt("the database", said.message().to_owned());
    }
    let reason = match code.code() {
        "53100" => "the database's disk is full",
        "53300" => "the database has too many connections",
        code if code.starts_with("57P") => "the database is starting or stopping",
        "25006" => "the database may only be read",
        "57014" | "55P03" => "the database is too slow",
        _ => "the database failed",
    };
    let text = format!("{} ({})", said.message(), code.code());
    StoreError::unavailable(reason, text)
}

fn unavailable(reason: &'static str, error: &tokio_postgres::Error) -> StoreError {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    StoreError::unavailable(reason, text)
}

/// The store is closing.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable { reason: "the store is closed".into(), source: None }
}

/// Too many wait.
pub(super) fn busy() -> StoreError {
    StoreError::Unavailable { reason: "busy: too many commits wait".into(), source: None }
}
