//! What runs without being asked.

mod scheduler;

pub use scheduler::Scheduler;
