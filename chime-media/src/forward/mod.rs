//! Forwarding of video, without decoding it.

pub mod keyframe;
pub mod rewrite;
pub mod vp8;
