//! Why there is no TLS.

use std::io;
use std::path::PathBuf;

/// TLS cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path} cannot be read or written")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} is not usable: {problem}")]
    Content {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A certificate cannot be made.
    #[error("no certificate can be made")]
    Make(#[from] rcgen::Error),
    /// A key and a certificate that rustls does not take.
    #[error("the certificate cannot be served")]
    Serve(#[from] rustls::Error),
}
