//! Exported events in Kinesis data streams.
//!
//! # Our choices
//!
//! - The partition key is the ARN of the channel. A call carries one record of each channel: `PutRecords` may take a
//!   later record and refuse an earlier one, so that more of them would lose the order of their channel.
//! - Of the prerequisites, `DescribeStream` is asked, the only such action that the documented service-linked role
//!   permits (rule IAM-29). A stream is encrypted when its `EncryptionType` is `KMS`, whatever the key (rule STR-05).
//! - Credentials come from where AWS clients look for them: the environment, the profile, a web identity, the container,
//!   the instance.

mod error;
mod sink;
#[cfg(test)]
mod tests;

pub use sink::{KinesisConfig, KinesisSink};
