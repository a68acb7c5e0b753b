//! What tests of several parts need: whole meetings in simulated time.

mod beacon;
mod ear;
mod path;
mod world;

pub(crate) use beacon::Beacon;
pub(crate) use path::Path;
pub(crate) use world::{GRACE, World, identity};

/// A moment for tests to begin at.
#[expect(clippy::disallowed_methods, reason = "a test has to begin somewhere")]
pub(crate) fn start() -> std::time::Instant {
    std::time::Instant::now()
}
