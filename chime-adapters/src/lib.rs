//! Adapters for the ports of `chime-domain`.
//!
//! [`memory`] is the reference behaviour and needs no runtime. The others stand behind features, one each:
//! `sqlite` (on by default) for the embedded durable store, `file` for blobs in a directory.
#![warn(missing_docs)]

#[cfg(feature = "file")]
pub mod file;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod system;
mod test_clock;

pub use system::{SystemClock, SystemEntropy};
pub use test_clock::TestClock;
