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
    /// Meetings of the account that have not ended.
    ActiveMeetings,
    /// Attendees of a meeting.
    AttendeesPerMeeting,
    /// Audio streams of a meeting.
    AudioStreamsPerMeeting,
    /// Cameras that are shown in a meeting at once.
    VideoTilesPerMeeting,
    /// Content shares of a meeting at once.
    ContentSharesPerMeeting,
    /// Replicas of a primary meeting that have not ended.
    ReplicasPerPrimaryMeeting,
}

/// Whose documents hold where those of different years disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Those of November 2020.
    #[default]
    Of2020,
    /// Today's.
    Current,
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
    /// Its documented value in 2020.
    pub default: u64,
    /// Its documented value today.
    pub current: u64,
}

const fn row(quota: Quota, name: &'static str, rule: &'static str, default: u64) -> QuotaRow {
    QuotaRow { quota, name, rule, default, current: default }
}

impl QuotaRow {
    const fn today(mut self, current: u64) -> Self {
        self.current = current;
        self
    }

    /// Its documented value by a profile.
    #[must_use]
    pub const fn by(&self, profile: Profile) -> u64 {
        match profile {
            Profile::Of2020 => self.default,
            Profile::Current => self.current,
        }
    }
}

/// The documented quotas, in the order of [`Quota`].
pub const QUOTAS: [QuotaRow; 18] = [
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
    row(Quota::ActiveMeetings, "active_meetings", "QTA-01", 250),
    row(Quota::AttendeesPerMeeting, "attendees_per_meeting", "QTA-02", 250),
    row(Quota::AudioStreamsPerMeeting, "audio_streams_per_meeting", "QTA-03", 250),
    row(Quota::VideoTilesPerMeeting, "video_tiles_per_meeting", "QTA-04", 16).today(25),
    row(Quota::ContentSharesPerMeeting, "content_shares_per_meeting", "QTA-05", 2),
    // Replicas came in 2022, with this number: there is no other of an earlier document.
    // <https://docs.aws.amazon.com/chime-sdk/latest/dg/media-replication.html>
    row(Quota::ReplicasPerPrimaryMeeting, "replicas_per_primary_meeting", "D-11", 4),
];

/// The quotas in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits([u64; QUOTAS.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self::of(Profile::default())
    }
}

impl Limits {
    /// The documented quotas of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self(std::array::from_fn(|i| QUOTAS.get(i).map_or(0, |row| row.by(profile))))
    }

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
/// Tags of one request on an attendee (wire rule D-11).
pub const ATTENDEE_TAGS_PER_REQUEST: std::ops::RangeInclusive<usize> = 1..=10;
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

/// The regions in which media services are placed (rule MTG-13).
pub const MEDIA_REGIONS: [&str; 18] = [
    "us-east-2",
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-south-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-south-1",
    "eu-west-3",
    "eu-north-1",
    "sa-east-1",
];
/// Where a meeting is placed that names no region (rule MTG-12).
pub const MEDIA_REGION_DEFAULT: &str = "us-east-1";
/// The region in which queues and topics of meetings are (rule EVT-03).
pub const NOTIFICATION_REGION: &str = "us-east-1";
/// Attendees of one batch (rule MTG-18).
pub const BATCH_ATTENDEES: std::ops::RangeInclusive<usize> = 1..=100;
/// Attendees that a meeting is created with; 10 in the documents of 2020 (wire rule D-09).
pub const CREATE_MEETING_ATTENDEES: std::ops::RangeInclusive<usize> = 1..=20;
/// The same in 2020.
pub const CREATE_MEETING_ATTENDEES_2020: std::ops::RangeInclusive<usize> = 1..=10;
/// Attendees that a change of capabilities leaves out.
pub const EXCLUDED_ATTENDEES: std::ops::RangeInclusive<usize> = 1..=250;
/// `MeetingFeatures.Attendee.MaxCount`.
pub const ATTENDEE_MAX_COUNT: std::ops::RangeInclusive<u32> = 1..=250;
/// The same for a meeting with `FHD` video or `UHD` content.
pub const ATTENDEE_MAX_COUNT_HIGH_RESOLUTION: u32 = 25;
/// Tenants of a meeting.
pub const TENANT_IDS: std::ops::RangeInclusive<usize> = 1..=5;
/// Items of a page of attendees or meetings (wire.md section 6).
pub const MEETING_PAGE_SIZE: usize = 100;
/// Bytes of a data message (rule MED-12).
pub const DATA_MESSAGE_BYTES: usize = 2048;
/// Characters of the topic of a data message: letters, digits, `_` and `-`.
pub const DATA_MESSAGE_TOPIC: std::ops::RangeInclusive<usize> = 1..=36;
/// Longest lifetime of a data message, in milliseconds.
pub const DATA_MESSAGE_LIFETIME_MS: u32 = 300_000;
/// Data messages with a lifetime that a meeting keeps for who joins later.
pub const DATA_MESSAGES_KEPT: usize = 1024;
/// Data messages per second and burst of a meeting, over which they come back flagged as throttled.
pub const DATA_MESSAGES_SOFT: (u32, u32) = (100, 200);
/// Data messages per second and burst of an attendee, over which it may be disconnected.
pub const DATA_MESSAGES_HARD_ATTENDEE: (u32, u32) = (200, 2_000);
/// Data messages per second and burst of a meeting, over which whoever sends may be disconnected.
pub const DATA_MESSAGES_HARD_MEETING: (u32, u32) = (500, 10_000);

/// Whether a data message may have this topic.
#[must_use]
pub fn is_data_message_topic(topic: &str) -> bool {
    DATA_MESSAGE_TOPIC.contains(&topic.len())
        && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

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

    #[test]
    fn qta_04_and_qta_11_the_video_tiles_are_16_in_2020_and_25_today() {
        for row in &QUOTAS {
            let today = Limits::of(Profile::Current).get(row.quota);
            let differs = row.quota == Quota::VideoTilesPerMeeting;
            assert_eq!((today != row.default, today), (differs, row.current), "{}", row.name);
        }
        assert_eq!(Limits::of(Profile::Of2020).get(Quota::VideoTilesPerMeeting), 16);
        assert_eq!(Limits::of(Profile::Current).get(Quota::VideoTilesPerMeeting), 25);
    }

    #[test]
    fn med_12_topics_of_data_messages_are_short_words() {
        for (topic, fits) in [("", false), ("chat", true), ("A-z_9", true), ("a b", false), ("aws:x", false)]
        {
            assert_eq!(is_data_message_topic(topic), fits, "{topic}");
        }
        assert!(is_data_message_topic(&"x".repeat(36)) && !is_data_message_topic(&"x".repeat(37)));
        assert_eq!((DATA_MESSAGE_BYTES, DATA_MESSAGE_LIFETIME_MS, DATA_MESSAGES_KEPT), (2048, 300_000, 1024));
    }
}
