//! EventBridge, SQS, SNS.

mod bus;
mod calls;
mod queue;
#[cfg(test)]
mod tests;
mod topic;

pub use bus::EventBridge;
pub(crate) use calls::Call;
pub use calls::{AwsCalls, AwsConfig, AwsError};
pub use queue::Queues;
pub use topic::Topics;

/// The parts of an ARN that calls need.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    name: &'a str,
}

impl<'a> Arn<'a> {
    fn parse(arn: &'a str) -> Result<Self, chime_domain::ports::AnnounceError> {
        let mut parts = arn.splitn(6, ':').skip(3);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(region), Some(account), Some(name)) if !region.is_empty() => {
                Ok(Self { region, account, name })
            }
            _ => Err(chime_domain::ports::AnnounceError::Refused("the target is no ARN".into())),
        }
    }
}
