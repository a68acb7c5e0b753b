//! Forwarding of video, without decoding it.

pub mod allocate;
pub mod bandwidth;
pub mod cache;
pub mod keyframe;
pub mod nack;
pub mod rewrite;
pub mod vp8;
pub mod vp9;
