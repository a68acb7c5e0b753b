//! The signaling of `amazon-chime-sdk-js`: one protobuf message behind a byte, in each binary WebSocket message.

pub mod frame;
pub mod proto;

pub use frame::{FrameError, MAX_FRAME, decode, encode};
