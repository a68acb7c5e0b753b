//! Entities.

use serde::{Deserialize, Serialize};

use crate::error::Refusal;
use crate::ids::SubChannelId;
use crate::limits::MINIMUM_MEMBERSHIP_PERCENTAGE;
use crate::ports::Entity;
use crate::time::Timestamp;

/// How the members of an elastic channel are divided (wire rule D-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticChannelConfiguration {
    /// Most sub-channels, at least 2.
    pub maximum_sub_channels: u32,
    /// Most members of a sub-channel, at least 2.
    pub target_memberships: u32,
    /// Smallest share of the target, in percent, that a sub-channel is kept with: 1 to 40.
    pub minimum_percentage: u32,
}

impl ElasticChannelConfiguration {
    /// Checks a configuration; `most` is the quota of members.
    ///
    /// # Errors
    ///
    /// A bad request when a number is out of bounds, or the sub-channels could hold more members than the quota.
    pub fn new(maximum: u32, target: u32, percentage: u32, most: u64) -> Result<Self, Refusal> {
        let bad = |message: String| Err(Refusal::bad_request("D-08", message));
        if maximum < 2 || target < 2 {
            return bad("MaximumSubChannels and TargetMembershipsPerSubChannel must be at least 2.".into());
        }
        if !MINIMUM_MEMBERSHIP_PERCENTAGE.contains(&percentage) {
            return bad(format!("MinimumMembershipPercentage is {percentage}, outside 1 to 40."));
        }
        if u64::from(maximum) * u64::from(target) > most {
            return bad(format!("The sub-channels could have more than {most} members in all."));
        }
        Ok(Self { maximum_sub_channels: maximum, target_memberships: target, minimum_percentage: percentage })
    }

    /// A sub-channel with fewer members is joined with others.
    #[must_use]
    pub fn least(&self) -> u64 {
        (u64::from(self.target_memberships) * u64::from(self.minimum_percentage)).div_ceil(100)
    }
}

/// A sub-channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubChannel {
    /// Its id.
    pub(crate) id: SubChannelId,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// Its members are being moved to others; nobody comes in any more.
    #[serde(default)]
    pub(crate) closing: bool,
}

impl Entity for SubChannel {
    const NAME: &'static str = "sub-channel";
}

/// Where the next member goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Elastic {
    /// The sub-channel that is being filled.
    pub(crate) open: SubChannelId,
}

impl Entity for Elastic {
    const NAME: &'static str = "elastic";
}

/// An index record of a membership: the sub-channels that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SubLinks(pub(crate) Vec<SubChannelId>);

impl Entity for SubLinks {
    const NAME: &'static str = "sub-links";
}

/// A sub-channel with how many members it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubChannelSummary {
    /// Its id.
    pub id: SubChannelId,
    /// Members that fill it; moderators do not.
    pub members: u64,
}
