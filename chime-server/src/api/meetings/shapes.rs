//! Shapes that several operations share.

use chime_domain::arn::MAX_ARN_LENGTH;
use chime_domain::error::Refusal;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::meetings::{
    Attendee, ContentResolution, CreateAttendee, FeatureStatus, Meeting, MeetingFeatures, VideoResolution,
};
use chime_domain::ports::{Capabilities, MediaPlacement};
use chime_domain::text::ExternalUserId;
use serde::{Deserialize, Serialize};

use super::tags::attendee_tags;
use crate::api::wire::{TagWire, required};
use crate::api::{ApiError, ApiRequest};
use crate::app::App;
use crate::meetings::as_reached;

/// The ARN of a meeting.
pub(super) fn meeting_arn(app: &App, id: &str) -> String {
    let settings = app.chime().settings();
    format!("arn:{}:chime:{}:{}:meeting/{id}", settings.partition, settings.region, settings.account)
}

/// The meeting of an ARN that this server gave; `None` for another ARN.
pub(in crate::api) fn meeting_of_arn(app: &App, arn: &str) -> Option<MeetingId> {
    let (_, id) = arn.rsplit_once('/').filter(|_| arn.len() <= MAX_ARN_LENGTH)?;
    let id = MeetingId::new(id).ok()?;
    (meeting_arn(app, id.as_str()) == arn).then_some(id)
}

/// The models take capital digits in these ids, which are made in small ones.
fn guid(text: &str) -> String {
    text.to_ascii_lowercase()
}

pub(super) fn attendee_id(text: &str) -> Result<AttendeeId, Refusal> {
    AttendeeId::new(guid(text)).map_err(|error| error.of("AttendeeId"))
}

impl ApiRequest {
    /// The meeting of the path.
    pub(super) fn meeting(&self) -> Result<MeetingId, Refusal> {
        MeetingId::new(guid(self.label("meetingId"))).map_err(|error| error.of("MeetingId"))
    }

    /// The attendee of the path.
    pub(super) fn attendee(&self) -> Result<AttendeeId, Refusal> {
        attendee_id(self.label("attendeeId"))
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EchoReduction {
    #[serde(skip_serializing_if = "Option::is_none")]
    echo_reduction: Option<FeatureStatus>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MaxResolution<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_resolution: Option<T>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MaxCount {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_count: Option<u32>,
}

/// `MeetingFeatures`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct FeaturesWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<EchoReduction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<MaxResolution<VideoResolution>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<MaxResolution<ContentResolution>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attendee: Option<MaxCount>,
}

impl From<FeaturesWire> for MeetingFeatures {
    fn from(wire: FeaturesWire) -> Self {
        Self {
            echo_reduction: wire.audio.and_then(|audio| audio.echo_reduction),
            video: wire.video.and_then(|video| video.max_resolution),
            content: wire.content.and_then(|content| content.max_resolution),
            max_attendees: wire.attendee.and_then(|attendee| attendee.max_count),
        }
    }
}

impl From<MeetingFeatures> for FeaturesWire {
    fn from(features: MeetingFeatures) -> Self {
        Self {
            audio: features
                .echo_reduction
                .map(|echo_reduction| EchoReduction { echo_reduction: Some(echo_reduction) }),
            video: features.video.map(|best| MaxResolution { max_resolution: Some(best) }),
            content: features.content.map(|best| MaxResolution { max_resolution: Some(best) }),
            attendee: features.max_attendees.map(|count| MaxCount { max_count: Some(count) }),
        }
    }
}

/// `Meeting`, with the members of both generations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MeetingWire<'a> {
    meeting_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting_host_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_meeting_id: Option<&'a str>,
    media_region: &'a str,
    media_placement: MediaPlacement,
    #[serde(skip_serializing_if = "Option::is_none")]
    meeting_features: Option<FeaturesWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_meeting_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tenant_ids: Vec<&'a str>,
    meeting_arn: String,
}

impl<'a> MeetingWire<'a> {
    pub(super) fn new(app: &App, request: &ApiRequest, meeting: &'a Meeting) -> Self {
        Self {
            meeting_id: meeting.id.as_str(),
            meeting_host_id: meeting.host_id.as_ref().map(ExternalUserId::as_str),
            external_meeting_id: meeting.external_id.as_ref().map(|id| id.as_str()),
            media_region: meeting.media_region.as_str(),
            media_placement: as_reached(app, &request.host, request.source.secure, &meeting.placement),
            meeting_features: meeting.features.map(Into::into),
            primary_meeting_id: meeting.primary.as_ref().map(MeetingId::as_str),
            tenant_ids: meeting.tenants.iter().map(|tenant| tenant.as_str()).collect(),
            meeting_arn: meeting_arn(app, meeting.id.as_str()),
        }
    }
}

/// `Attendee`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttendeeWire<'a> {
    external_user_id: &'a str,
    attendee_id: &'a str,
    join_token: &'a str,
    capabilities: Capabilities,
}

impl<'a> From<&'a Attendee> for AttendeeWire<'a> {
    fn from(attendee: &'a Attendee) -> Self {
        Self {
            external_user_id: attendee.external_user_id.as_str(),
            attendee_id: attendee.id.as_str(),
            join_token: &attendee.join_token.0,
            capabilities: attendee.capabilities,
        }
    }
}

/// `Capabilities` as they are asked for: each of the three is required.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct CapabilitiesWire(pub(super) Capabilities);

/// `CreateAttendeeRequestItem`, and the body of `CreateAttendee`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewAttendee {
    external_user_id: Option<String>,
    capabilities: Option<CapabilitiesWire>,
    tags: Option<Vec<TagWire>>,
}

impl NewAttendee {
    pub(super) fn parse(self) -> Result<CreateAttendee, ApiError> {
        let user = required(self.external_user_id, "ExternalUserId")?;
        let user = ExternalUserId::new(user).map_err(|error| error.of("ExternalUserId"))?;
        let mut attendee = CreateAttendee::new(user);
        attendee.capabilities = self.capabilities.map(|wire| wire.0);
        if let Some(tags) = self.tags.filter(|tags| !tags.is_empty()) {
            attendee.tags = attendee_tags(tags)?;
        }
        Ok(attendee)
    }
}

/// `CreateAttendeeError`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NotCreated {
    external_user_id: String,
    error_code: &'static str,
    error_message: String,
}

/// Attendees that were made, and those that were not.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) wanted: Vec<CreateAttendee>,
    pub(super) errors: Vec<NotCreated>,
}

impl Batch {
    /// Reads the items. What is wrong with the id of one is that item's error; everything else is the request's.
    pub(super) fn parse(items: Vec<NewAttendee>) -> Result<Self, ApiError> {
        let mut batch = Self::default();
        for item in items {
            let user = item.external_user_id.clone().unwrap_or_default();
            let has_bad_id = item.external_user_id.is_some() && ExternalUserId::new(&user).is_err();
            match item.parse() {
                Ok(attendee) => batch.wanted.push(attendee),
                Err(error) if has_bad_id => batch.refuse(user, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(batch)
    }

    fn refuse(&mut self, external_user_id: String, error: &ApiError) {
        // The codes of batches are the same in all namespaces (wire rule E-04).
        let error = error.on_the_wire(None);
        let (error_code, error_message) = (error.code, error.message);
        self.errors.push(NotCreated { external_user_id, error_code, error_message });
    }

    /// Sorts the outcomes; gives the attendees there are.
    pub(super) fn sort(&mut self, outcomes: Vec<Result<Attendee, Refusal>>) -> Vec<Attendee> {
        let wanted = std::mem::take(&mut self.wanted);
        let mut made = Vec::new();
        for (wanted, outcome) in wanted.into_iter().zip(outcomes) {
            match outcome {
                Ok(attendee) => made.push(attendee),
                Err(refusal) => {
                    self.refuse(wanted.external_user_id.as_str().to_owned(), &ApiError::from(refusal));
                }
            }
        }
        made
    }
}
