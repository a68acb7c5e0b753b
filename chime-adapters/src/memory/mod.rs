//! Everything in memory: the reference behaviour of every port, for tests and for servers that may forget.
//!
//! Nothing here needs an async runtime.
//!
//! ```
//! use chime_adapters::memory::MemoryStore;
//! use chime_domain::ports::Store;
//!
//! let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(MemoryStore::new());
//! # let _ = store;
//! ```

mod apply;
mod blobs;
mod bus;
mod local;
mod notify;
mod sink;
mod store;

pub use blobs::MemoryBlobs;
pub use bus::InProcessBus;
pub use local::Local;
pub use notify::MemoryNotifier;
pub use sink::MemorySink;
pub use store::MemoryStore;
