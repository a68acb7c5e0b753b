//! Adapters for the ports of `chime-domain`.
//!
//! [`memory`] is the reference behaviour and needs no runtime. The others stand behind features:
#![warn(missing_docs)]

#[cfg(feature = "file")]
pub mod file;
pub mod memory;
mod system;
mod test_clock;

pub use system::{SystemClock, SystemEntropy};
pub use test_clock::TestClock;
