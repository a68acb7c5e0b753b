//! How every command runs: load facts, decide, commit; and the facade that holds what this needs.

mod chime;
mod decision;
mod facts;
mod idempotency;
mod paging;
mod task;

pub use chime::{Chime, ChimeBuilder, Settings};
pub use decision::Decision;
pub use facts::{Loaded, load};
pub(crate) use idempotency::hex;
pub use idempotency::{Claim, Token, fingerprint};
pub use task::{Task, TaskKind};
