//! Forwarding of video, without decoding it.

pub mod allocate;
pub mod bandwidth;
pub mod cache;
pub mod dependency;
pub mod keyframe;
pub mod nack;
pub mod part;
pub mod rates;
pub mod rewrite;
pub mod sieve;
pub mod steps;
pub mod thinned;
pub mod vp8;
pub mod vp9;

#[cfg(test)]
mod tests;
