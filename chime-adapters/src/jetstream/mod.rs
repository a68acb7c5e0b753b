//! Exported events in streams of NATS JetStream.
//!
//! # Our choices
//!
//! - What a configuration names as a Kinesis stream is a JetStream stream of that name, made when it is missing: with
//!   file storage, the subjects `chime.export.STREAM.CHANNEL_ID`, and no limits. One that is there is taken as it is.
//! - Neither names of streams nor tokens of subjects may have a dot, so `=` stands for it.
//! - The message id is the event's place in the outbox, so that the server drops what arrives twice within its
//!   duplicate window.

mod sink;
#[cfg(test)]
mod tests;

pub use sink::JetStreamSink;
