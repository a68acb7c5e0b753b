//! What is wrong with a stream.

use super::StateHash;

/// A state could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The operating system refused to read or write it.
    #[error("the state cannot be read or written")]
    Io(#[from] std::io::Error),
    /// It is not what it should be.
    #[error("the state is damaged: {0}")]
    Damaged(&'static str),
    /// It is whole and holds something else.
    #[error("the state is {found}, but was made of {expected}")]
    Differs {
        /// What it was made of.
        expected: StateHash,
        /// What it holds.
        found: StateHash,
    },
}

impl StateError {
    /// An error when two states are not the same.
    ///
    /// # Errors
    ///
    /// [`StateError::Differs`].
    pub fn unless_same(expected: StateHash, found: StateHash) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::Differs { expected, found }) }
    }
}
