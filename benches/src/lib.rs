//! What the benches share: samples of the product's data, and the parts of the load program.
#![expect(clippy::disallowed_methods, reason = "programs that measure read the time")]

pub mod load;
pub mod media;
pub mod samples;
