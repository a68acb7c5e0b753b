//! Entities and commands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::identity::Tag;
use crate::ids::{AttendeeId, ClientRequestToken, MediaRegion, MeetingId};
use crate::ports::{Capabilities, Entity, MediaPlacement};
use crate::text::{ExternalMeetingId, ExternalUserId, Private, TenantId};
use crate::time::Timestamp;

/// A meeting that has not ended (rules MTG-01, MTG-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// Its id.
    pub id: MeetingId,
    /// What the application names it by.
    pub external_id: Option<ExternalMeetingId>,
    /// Who hosts it; only kept.
    pub host_id: Option<ExternalUserId>,
    /// Where its media are.
    pub media_region: MediaRegion,
    /// The node on which it lives.
    pub node: String,
    /// Its URLs.
    pub placement: MediaPlacement,
    /// What it offers.
    pub features: Option<MeetingFeatures>,
    /// The meeting whose media it gets.
    pub primary: Option<MeetingId>,
    /// Segments of the application's users.
    pub tenants: Vec<TenantId>,
    /// Who hears of its events, beside those that hear of all.
    pub notifications: NotificationsConfiguration,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// When it was made.
    pub created: Timestamp,
    /// The last part of the key of the record that its client request token holds.
    pub token: String,
}

impl Entity for Meeting {
    const NAME: &'static str = "meeting";
}

/// An attendee (rule MTG-03). Its join token is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Its id.
    pub id: AttendeeId,
    /// What the application names it by.
    pub external_user_id: ExternalUserId,
    /// What it may do.
    pub capabilities: Capabilities,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Proves to the media services that it is this attendee (rule MTG-04).
    #[serde(skip)]
    pub join_token: Private<String>,
}

impl Entity for Attendee {
    const NAME: &'static str = "attendee";
}

/// Whether something is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FeatureStatus {
    /// It is.
    Available,
    /// It is not.
    Unavailable,
}

/// The best that cameras may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VideoResolution {
    /// No cameras.
    None,
    /// 1280 by 720.
    #[serde(rename = "HD")]
    Hd,
    /// 1920 by 1080.
    #[serde(rename = "FHD")]
    Fhd,
}

/// The best that shared content may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentResolution {
    /// No content.
    None,
    /// 1920 by 1080.
    #[serde(rename = "FHD")]
    Fhd,
    /// 3840 by 2160.
    #[serde(rename = "UHD")]
    Uhd,
}

/// `MeetingFeatures`; what is absent is as documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeetingFeatures {
    /// Echo reduction by speech models.
    pub echo_reduction: Option<FeatureStatus>,
    /// Of cameras; `HD`.
    pub video: Option<VideoResolution>,
    /// Of shared content; `FHD`.
    pub content: Option<ContentResolution>,
    /// Attendees at most.
    pub max_attendees: Option<u32>,
}

/// Which addresses the placement has. Only kept: the server gives the names it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkType {
    /// IPv4.
    Ipv4Only,
    /// IPv4 and IPv6.
    DualStack,
}

/// Who hears of the events of one meeting (rule MTG-10).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsConfiguration {
    /// ARN of a function.
    pub function: Option<Arc<str>>,
    /// ARN of a topic.
    pub topic: Option<Arc<str>>,
    /// ARN of a queue.
    pub queue: Option<Arc<str>>,
}

/// `CreateMeeting`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreateMeeting {
    /// Makes the creation repeatable, together with `CreateMeetingWithAttendees` (rule MTG-07).
    pub client_request_token: ClientRequestToken,
    /// What the application names it by.
    pub external_id: Option<ExternalMeetingId>,
    /// Who hosts it.
    pub host_id: Option<ExternalUserId>,
    /// Where its media are.
    pub media_region: MediaRegion,
    /// What it offers.
    pub features: Option<MeetingFeatures>,
    /// The meeting whose media it gets.
    pub primary: Option<MeetingId>,
    /// Segments of the application's users.
    pub tenants: Vec<TenantId>,
    /// Who hears of its events.
    pub notifications: NotificationsConfiguration,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl CreateMeeting {
    /// A meeting in the default region.
    #[must_use]
    pub fn new(client_request_token: ClientRequestToken) -> Self {
        Self {
            client_request_token,
            external_id: None,
            host_id: None,
            media_region: MediaRegion::default_region(),
            features: None,
            primary: None,
            tenants: Vec::new(),
            notifications: NotificationsConfiguration::default(),
            tags: Vec::new(),
        }
    }
}

/// An attendee that is to be, of `CreateAttendee` and its batches.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreateAttendee {
    /// What the application names it by; the same is the same attendee (wire rule T-05).
    pub external_user_id: ExternalUserId,
    /// What it may do; what the meeting offers when absent.
    pub capabilities: Option<Capabilities>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl CreateAttendee {
    /// An attendee who may do what the meeting offers.
    #[must_use]
    pub fn new(external_user_id: ExternalUserId) -> Self {
        Self { external_user_id, capabilities: None, tags: Vec::new() }
    }
}
