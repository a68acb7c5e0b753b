//! Every documented quota and bound, in one place.

/// A quota that operators may change (rule APP-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quota {
    /// App instances of the account.
    AppInstancesPerAccount,
    /// Users of an app instance.
    UsersPerAppInstance,
    /// Administrators of an app instance.
    AdminsPerAppInstance,
    /// Channels of an app instance.
    ChannelsPerAppInstance,
    /// Memberships of a channel.
    MembershipsPerChannel,
    /// Memberships of an elastic channel.
    MembershipsPerElasticChannel,
    /// Moderators of a channel.
    ModeratorsPerChannel,
    /// Concurrent WebSocket connections of a user.
    ConnectionsPerUser,
    /// Tags of a resource.
    TagsPerResource,
    /// Channel flows of an app instance.
    FlowsPerAppInstance,
    /// Bots of an app instance.
    BotsPerAppInstance,
    /// Endpoints of a user.
    EndpointsPerUser,
}

/// What the documentation says of a quota.
#[derive(Clone, Copy, Debug)]
pub struct QuotaRow {
    /// Which quota.
    pub quota: Quota,
    /// Its name in configuration.
    pub name: &'static str,
    /// The rule it comes from.
    pub rule: &'static str,
    /// Its documented value.
    pub default: u64,
}

const fn row(quota: Quota, name: &'static str, rule: &'static str, default: u64) -> QuotaRow {
    QuotaRow { quota, name, rule, default }
}

/// The documented quotas, in the order of [`Quota`].
pub const QUOTAS: [QuotaRow; 12] = [
    row(Quota::AppInstancesPerAccount, "app_instances_per_account", "APP-13", 100),
    row(Quota::UsersPerAppInstance, "users_per_app_instance", "APP-14", 100_000),
    row(Quota::AdminsPerAppInstance, "admins_per_app_instance", "APP-15", 100),
    row(Quota::ChannelsPerAppInstance, "channels_per_app_instance", "APP-16", 10_000_000),
    row(Quota::MembershipsPerChannel, "memberships_per_channel", "APP-17", 10_000),
    // As the models of elastic channels have it.
    row(Quota::MembershipsPerElasticChannel, "memberships_per_elastic_channel", "D-08", 1_000_000),
    row(Quota::ModeratorsPerChannel, "moderators_per_channel", "APP-18", 1_000),
    row(Quota::ConnectionsPerUser, "connections_per_user", "APP-19", 10),
    row(Quota::TagsPerResource, "tags_per_resource", "APP-21", 50),
    // No document gives these three; they are our choice, generous and finite.
    row(Quota::FlowsPerAppInstance, "flows_per_app_instance", "APP-20", 100),
    row(Quota::BotsPerAppInstance, "bots_per_app_instance", "APP-20", 100),
    row(Quota::EndpointsPerUser, "endpoints_per_user", "APP-20", 50),
];

/// The quotas in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits([u64; QUOTAS.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(std::array::from_fn(|i| QUOTAS.get(i).map_or(0, |row| row.default)))
    }
}

impl Limits {
    /// The value of a quota.
    #[must_use]
    pub fn get(&self, quota: Quota) -> u64 {
        self.0.get(quota as usize).copied().unwrap_or_default()
    }

    /// Sets the quota of that configuration name; `None` when there is none.
    pub fn set(&mut self, name: &str, value: u64) -> Option<()> {
        let row = QUOTAS.iter().find(|row| row.name.eq_ignore_ascii_case(name))?;
        *self.0.get_mut(row.quota as usize)? = value;
        Some(())
    }

    /// With one quota changed.
    #[must_use]
    pub fn with(mut self, quota: Quota, value: u64) -> Self {
        if let Some(slot) = self.0.get_mut(quota as usize) {
            *slot = value;
        }
        self
    }
}

/// Shortest and longest retention and expiration period, in days: one day to 15 years (rule RET-02).
pub const PERIOD_DAYS: std::ops::RangeInclusive<u32> = 1..=5475;
/// Days after each change of the retention period in which messages can be restored (rule RET-05).
pub const RETENTION_GRACE_DAYS: u32 = 30;
/// Bytes of a CONTROL message (rule MSG-04).
pub const CONTROL_CONTENT_BYTES: usize = 30;
/// Members of one batch (rule CHN-12).
pub const BATCH_MEMBERSHIPS: std::ops::RangeInclusive<usize> = 1..=100;
/// Members, and moderators, that a channel is created with (wire rule D-08).
pub const CREATE_CHANNEL_ARNS: std::ops::RangeInclusive<usize> = 1..=10;
/// Tags of one request (rule APP-21).
pub const TAGS_PER_REQUEST: std::ops::RangeInclusive<usize> = 1..=50;
/// Items of a page (wire.md section 6).
pub const PAGE_SIZE: std::ops::RangeInclusive<usize> = 1..=50;
/// Smallest share of its target, in percent, that a sub-channel is kept with (wire rule D-08).
pub const MINIMUM_MEMBERSHIP_PERCENTAGE: std::ops::RangeInclusive<u32> = 1..=40;
/// Processors of a channel flow, and their places in it.
pub const PROCESSORS: std::ops::RangeInclusive<usize> = 1..=3;
/// Hours for which a message that its channel flow failed to process is remembered.
pub const FAILED_MESSAGE_HOURS: u64 = 24;
/// Hours for which an idempotency token is remembered (wire rule T-07).
pub const TOKEN_HOURS: u64 = 24;
/// Longest `NextToken`, in characters (wire rule P-04).
pub const NEXT_TOKEN_LENGTH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quota_has_its_own_row_and_can_be_set_by_name() {
        for (i, row) in QUOTAS.iter().enumerate() {
            assert_eq!(row.quota as usize, i, "{} stands out of order", row.name);
            let mut limits = Limits::default();
            assert_eq!(limits.get(row.quota), row.default);
            limits.set(&row.name.to_uppercase(), 7).unwrap();
            assert_eq!(limits.get(row.quota), 7);
        }
        assert_eq!(Limits::default().set("no_such_quota", 1), None);
    }
}
