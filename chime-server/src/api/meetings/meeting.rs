//! `CreateMeeting`, `CreateMeetingWithAttendees`, `GetMeeting`, `ListMeetings`, `DeleteMeeting`.

use chime_domain::ids::{MediaRegion, MeetingId};
use chime_domain::limits::{
    CREATE_MEETING_ATTENDEES, CREATE_MEETING_ATTENDEES_2020, MEETING_PAGE_SIZE, TENANT_IDS,
};
use chime_domain::meetings::{CreateMeeting, Meeting, NetworkType, notification_arns};
use chime_domain::text::{ExternalMeetingId, ExternalUserId, TenantId};
use serde::{Deserialize, Serialize};

use super::shapes::{AttendeeWire, Batch, FeaturesWire, MeetingWire, NewAttendee, NotCreated};
use super::tags::meeting_tags;
use crate::api::wire::{self, TagWire, parsed, required};
use crate::api::{ApiError, ApiRequest, Namespace, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notifications {
    lambda_function_arn: Option<String>,
    sns_topic_arn: Option<String>,
    sqs_queue_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    client_request_token: Option<String>,
    external_meeting_id: Option<String>,
    meeting_host_id: Option<String>,
    media_region: Option<String>,
    notifications_configuration: Option<Notifications>,
    meeting_features: Option<FeaturesWire>,
    primary_meeting_id: Option<String>,
    tenant_ids: Option<Vec<String>>,
    tags: Option<Vec<TagWire>>,
    #[expect(dead_code, reason = "the placement has the names that there are; another word is refused")]
    media_placement_network_type: Option<NetworkType>,
    attendees: Option<Vec<NewAttendee>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    meeting: MeetingWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WithAttendees<'a> {
    meeting: MeetingWire<'a>,
    attendees: Vec<AttendeeWire<'a>>,
    errors: Vec<NotCreated>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    meetings: Vec<MeetingWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl Create {
    fn parse(self) -> Result<CreateMeeting, ApiError> {
        let token = required(wire::token(self.client_request_token)?, "ClientRequestToken")?;
        let mut command = CreateMeeting::new(token);
        command.external_id = parsed(self.external_meeting_id, "ExternalMeetingId", ExternalMeetingId::new)?;
        command.host_id = parsed(self.meeting_host_id, "MeetingHostId", ExternalUserId::new)?;
        if let Some(region) = parsed(self.media_region, "MediaRegion", MediaRegion::new)? {
            command.media_region = region;
        }
        if let Some(arns) = self.notifications_configuration {
            command.notifications = notification_arns(
                arns.lambda_function_arn.as_deref(),
                arns.sns_topic_arn.as_deref(),
                arns.sqs_queue_arn.as_deref(),
            )?;
        }
        command.features = self.meeting_features.map(Into::into);
        command.primary = parsed(self.primary_meeting_id, "PrimaryMeetingId", |text| {
            MeetingId::new(text.to_ascii_lowercase())
        })?;
        if let Some(tenants) = self.tenant_ids {
            if !TENANT_IDS.contains(&tenants.len()) {
                return Err(ApiError::bad_request("D-11", "TenantIds must hold 1 to 5 ids."));
            }
            let tenants = tenants.into_iter().map(TenantId::new).collect::<Result<_, _>>();
            command.tenants = tenants.map_err(|error| error.of("TenantIds"))?;
        }
        command.tags = meeting_tags(self.tags)?;
        Ok(command)
    }
}

pub(super) async fn create_meeting(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let command = request.json::<Create>()?.parse()?;
    let meeting = app.chime().meetings().create_meeting(&command).await?;
    app.scheduler().nudge_outward();
    answer(&app, &request, &meeting)
}

pub(super) async fn create_meeting_with_attendees(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let mut input: Create = request.json()?;
    let items = input.attendees.take();
    let bounds = match request.namespace {
        Namespace::Legacy => CREATE_MEETING_ATTENDEES_2020,
        _ => CREATE_MEETING_ATTENDEES,
    };
    if items.as_ref().is_some_and(|items| !bounds.contains(&items.len())) {
        let message = format!("Attendees must hold 1 to {} items.", bounds.end());
        return Err(ApiError::bad_request("D-09", message));
    }
    let command = input.parse()?;
    let mut batch = Batch::parse(items.unwrap_or_default())?;
    let meetings = app.chime().meetings();
    let (meeting, outcomes) = meetings.create_meeting_with_attendees(&command, batch.wanted.clone()).await?;
    app.scheduler().nudge_outward();
    let attendees = batch.sort(outcomes);
    Reply::json(&WithAttendees {
        meeting: MeetingWire::new(&app, &request, &meeting),
        attendees: attendees.iter().map(Into::into).collect(),
        errors: batch.errors,
    })
}

pub(super) async fn get_meeting(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let meeting = app.chime().meetings().get_meeting(&request.meeting()?).await?;
    answer(&app, &request, &meeting)
}

pub(super) async fn list_meetings(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let page = app.chime().meetings().list_meetings(&request.page_within(MEETING_PAGE_SIZE)?).await?;
    Reply::json(&Listed {
        meetings: page.items.iter().map(|each| MeetingWire::new(&app, &request, each)).collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn delete_meeting(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().meetings().delete_meeting(&request.meeting()?).await?;
    app.scheduler().nudge_outward();
    Ok(Reply::empty())
}

fn answer(app: &App, request: &ApiRequest, meeting: &Meeting) -> Result<Reply, ApiError> {
    Reply::json(&Output { meeting: MeetingWire::new(app, request, meeting) })
}
