//! `CreateAttendee`, `BatchCreateAttendee`, `GetAttendee`, `ListAttendees`, `DeleteAttendee`, and what attendees may do.

use chime_domain::limits::{BATCH_ATTENDEES, EXCLUDED_ATTENDEES, MEETING_PAGE_SIZE};
use chime_domain::meetings::Attendee;
use serde::{Deserialize, Serialize};

use super::shapes::{AttendeeWire, Batch, CapabilitiesWire, NewAttendee, NotCreated, attendee_id};
use crate::api::wire::required;
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Items {
    attendees: Option<Vec<NewAttendee>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    capabilities: Option<CapabilitiesWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Excluded {
    attendee_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateExcept {
    excluded_attendee_ids: Option<Vec<Excluded>>,
    capabilities: Option<CapabilitiesWire>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    attendee: AttendeeWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created<'a> {
    attendees: Vec<AttendeeWire<'a>>,
    errors: Vec<NotCreated>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    attendees: Vec<AttendeeWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

fn answer(attendee: &Attendee) -> Result<Reply, ApiError> {
    Reply::json(&Output { attendee: attendee.into() })
}

pub(super) async fn create_attendee(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let wanted = request.json::<NewAttendee>()?.parse()?;
    let attendee = app.chime().meetings().create_attendee(&request.meeting()?, wanted).await?;
    app.scheduler().nudge_outward();
    answer(&attendee)
}

pub(super) async fn batch_create_attendee(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let items = required(request.json::<Items>()?.attendees, "Attendees")?;
    if !BATCH_ATTENDEES.contains(&items.len()) {
        let message = format!("Attendees holds {} items, outside 1 to 100.", items.len());
        return Err(ApiError::bad_request("MTG-18", message));
    }
    let mut batch = Batch::parse(items)?;
    let meetings = app.chime().meetings();
    let outcomes = meetings.batch_create_attendee(&request.meeting()?, batch.wanted.clone()).await?;
    app.scheduler().nudge_outward();
    let attendees = batch.sort(outcomes);
    Reply::json(&Created { attendees: attendees.iter().map(Into::into).collect(), errors: batch.errors })
}

pub(super) async fn get_attendee(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let meetings = app.chime().meetings();
    answer(&meetings.get_attendee(&request.meeting()?, &request.attendee()?).await?)
}

pub(super) async fn list_attendees(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let page = request.page_within(MEETING_PAGE_SIZE)?;
    let page = app.chime().meetings().list_attendees(&request.meeting()?, &page).await?;
    Reply::json(&Listed {
        attendees: page.items.iter().map(Into::into).collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn delete_attendee(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().meetings().delete_attendee(&request.meeting()?, &request.attendee()?).await?;
    app.scheduler().nudge_outward();
    Ok(Reply::empty())
}

pub(super) async fn update_attendee_capabilities(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let CapabilitiesWire(capabilities) = required(request.json::<Update>()?.capabilities, "Capabilities")?;
    let (meeting, attendee) = (request.meeting()?, request.attendee()?);
    let meetings = app.chime().meetings();
    answer(&meetings.update_attendee_capabilities(&meeting, &attendee, capabilities).await?)
}

pub(super) async fn batch_update_attendee_capabilities_except(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: UpdateExcept = request.json()?;
    let excluded = required(input.excluded_attendee_ids, "ExcludedAttendeeIds")?;
    if !EXCLUDED_ATTENDEES.contains(&excluded.len()) {
        return Err(ApiError::bad_request("D-11", "ExcludedAttendeeIds must hold 1 to 250 ids."));
    }
    let CapabilitiesWire(capabilities) = required(input.capabilities, "Capabilities")?;
    let id = |each: Excluded| Ok(attendee_id(&required(each.attendee_id, "AttendeeId")?)?);
    let excluded = excluded.into_iter().map(id).collect::<Result<_, ApiError>>()?;
    let meetings = app.chime().meetings();
    meetings.batch_update_attendee_capabilities_except(&request.meeting()?, &excluded, capabilities).await?;
    Ok(Reply::empty())
}
