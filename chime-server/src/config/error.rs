//! Why a configuration is refused.

use std::io;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read")]
    File {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("the configuration file {path} is not valid: {problem}")]
    Syntax {
        /// Its path.
        path: String,
        /// What is wrong, and where.
        problem: String,
    },
    /// Nothing has that name.
    #[error("{origin} names no setting: see `chime-server config explain`")]
    Unknown {
        /// The variable, or the key of the file.
        origin: String,
    },
    /// A value that is not of the kind its key wants.
    #[error("`{key}` ({origin}): {problem}")]
    Value {
        /// The key.
        key: String,
        /// Where the value came from.
        origin: String,
        /// What is wrong.
        problem: String,
    },
}
