//! Tags of meetings and attendees, by the operations of 2020 and by `TagResource` and its like.

use chime_domain::error::{ErrorCode, Refusal, ServiceError};
use chime_domain::identity::Tag;
use chime_domain::ids::MeetingId;
use chime_domain::limits::{ATTENDEE_TAGS_PER_REQUEST, TAGS_PER_REQUEST};
use chime_domain::text::{TagKey, TagValue};
use serde::{Deserialize, Serialize};

use super::shapes::meeting_of_arn;
use crate::api::wire::{TagWire, required, tags, tags_read_by};
use crate::api::{ApiError, ApiRequest, Namespace, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    tags: Option<Vec<TagWire>>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    tags: Vec<TagWire>,
}

/// The tags that a meeting is made with, or that are added to it: none, or as many as there may be. Values may be empty.
pub(super) fn meeting_tags(wire: Option<Vec<TagWire>>) -> Result<Vec<Tag>, ApiError> {
    tags_read_by(wire.filter(|tags| !tags.is_empty()), |value| {
        if value.is_empty() { Ok(TagValue::empty()) } else { TagValue::new(value) }
    })
}

/// The tags that an attendee is made with, or that are added to it.
pub(super) fn attendee_tags(wire: Vec<TagWire>) -> Result<Vec<Tag>, ApiError> {
    check_of_attendee(wire.len(), "Tags")?;
    tags(Some(wire))
}

fn check_of_attendee(count: usize, member: &str) -> Result<(), ApiError> {
    if ATTENDEE_TAGS_PER_REQUEST.contains(&count) {
        return Ok(());
    }
    Err(ApiError::bad_request("D-11", format!("{member} must hold 1 to 10 items for an attendee.")))
}

fn added(request: &ApiRequest) -> Result<Vec<TagWire>, ApiError> {
    required(request.json::<Input>()?.tags, "Tags")
}

fn removed(request: &ApiRequest) -> Result<Vec<String>, ApiError> {
    required(request.json::<Input>()?.tag_keys, "TagKeys")
}

/// The keys of a request (rule APP-21).
pub(in crate::api) fn keys(texts: Vec<String>) -> Result<Vec<TagKey>, ApiError> {
    if !TAGS_PER_REQUEST.contains(&texts.len()) {
        return Err(ApiError::bad_request("APP-21", "TagKeys must hold 1 to 50 keys."));
    }
    let keys = texts.into_iter().map(TagKey::new).collect::<Result<_, _>>();
    Ok(keys.map_err(|error| error.of("TagKeys"))?)
}

fn listed(tags: &[Tag]) -> Result<Reply, ApiError> {
    Reply::json(&Listed { tags: tags.iter().map(TagWire::from).collect() })
}

pub(super) async fn tag_meeting(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().meetings().tag_meeting(&request.meeting()?, &tags(Some(added(&request)?))?).await?;
    Ok(Reply::empty())
}

pub(super) async fn untag_meeting(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().meetings().untag_meeting(&request.meeting()?, &keys(removed(&request)?)?).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_meeting_tags(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    listed(&app.chime().meetings().get_meeting(&request.meeting()?).await?.tags)
}

pub(super) async fn tag_attendee(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (meeting, attendee) = (request.meeting()?, request.attendee()?);
    let tags = attendee_tags(added(&request)?)?;
    app.chime().meetings().tag_attendee(&meeting, &attendee, &tags).await?;
    Ok(Reply::empty())
}

pub(super) async fn untag_attendee(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (meeting, attendee) = (request.meeting()?, request.attendee()?);
    let texts = removed(&request)?;
    check_of_attendee(texts.len(), "TagKeys")?;
    app.chime().meetings().untag_attendee(&meeting, &attendee, &keys(texts)?).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_attendee_tags(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (meeting, attendee) = (request.meeting()?, request.attendee()?);
    listed(&app.chime().meetings().get_attendee(&meeting, &attendee).await?.tags)
}

/// A meeting, as `TagResource` and its like name it.
pub(in crate::api) struct Tagged(MeetingId);

impl Tagged {
    /// The meeting of an ARN; `None` when it is an ARN of something else.
    ///
    /// # Errors
    ///
    /// A refusal for a meeting that this server did not name so.
    pub(in crate::api) fn of(app: &App, request: &ApiRequest, arn: &str) -> Result<Option<Self>, ApiError> {
        if !arn.split(':').nth(5).is_some_and(|rest| rest.starts_with("meeting/")) {
            return Ok(None);
        }
        match meeting_of_arn(app, arn) {
            Some(meeting) => Ok(Some(Self(meeting))),
            None => {
                Err(gone(request.namespace, Refusal::not_found("E-05", "The meeting does not exist.").into()))
            }
        }
    }

    pub(in crate::api) async fn tag(
        &self,
        app: &App,
        request: &ApiRequest,
        wire: Vec<TagWire>,
    ) -> Result<(), ApiError> {
        let tags = meeting_tags(Some(wire))?;
        let done = app.chime().meetings().tag_meeting(&self.0, &tags).await;
        done.map_err(|error| gone(request.namespace, error))
    }

    pub(in crate::api) async fn untag(
        &self,
        app: &App,
        request: &ApiRequest,
        texts: Vec<String>,
    ) -> Result<(), ApiError> {
        // The model of meetings has no least number of keys.
        let keys = if texts.is_empty() { Vec::new() } else { keys(texts)? };
        let done = app.chime().meetings().untag_meeting(&self.0, &keys).await;
        done.map_err(|error| gone(request.namespace, error))
    }

    pub(in crate::api) async fn tags(&self, app: &App, request: &ApiRequest) -> Result<Vec<Tag>, ApiError> {
        let found = app.chime().meetings().get_meeting(&self.0).await;
        Ok(found.map_err(|error| gone(request.namespace, error))?.tags)
    }
}

/// What is not there to be tagged has a name of its own in meetings.
fn gone(namespace: Namespace, error: ServiceError) -> ApiError {
    match error.refusal() {
        Some(refusal) if namespace == Namespace::Meetings && refusal.code() == ErrorCode::NotFound => {
            Refusal::new(ErrorCode::ResourceNotFound, refusal.rule(), refusal.message().to_owned()).into()
        }
        _ => error.into(),
    }
}
