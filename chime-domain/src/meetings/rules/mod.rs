//! Tables first, then pure functions.

pub(super) mod auto_end;
pub(super) mod features;
mod notifications;

pub use notifications::notification_arns;
