//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use chime_domain::error::Refusal;
use chime_domain::identity::Resource;
use serde::{Deserialize, Serialize};

use super::in_era;
use crate::api::meetings::tags::{Tagged, keys as tag_keys};
use crate::api::wire::{self, TagWire, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tags: Option<Vec<TagWire>>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    tags: Vec<TagWire>,
}

fn resource(text: &str) -> Result<Resource, ApiError> {
    if let Some(resource) = Resource::parse(text) {
        return Ok(resource);
    }
    if wire::is_arn(text) {
        return Err(Refusal::forbidden("E-06", "The resource does not exist or cannot be tagged.").into());
    }
    Err(ApiError::bad_request("APP-21", "ResourceARN is not an ARN."))
}

pub(super) async fn tag_resource(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = required(input.resource_arn, "ResourceARN")?;
    let tags = required(input.tags, "Tags")?;
    if let Some(meeting) = Tagged::of(&app, &request, &arn)? {
        meeting.tag(&app, &request, tags).await?;
        return Ok(Reply::empty());
    }
    let resource = resource(&arn)?;
    let tags = wire::tags(Some(tags))?;
    in_era(request.namespace, app.chime().identity().tag_resource(&resource, tags).await)?;
    Ok(Reply::empty())
}

pub(super) async fn untag_resource(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = required(input.resource_arn, "ResourceARN")?;
    let keys = required(input.tag_keys, "TagKeys")?;
    if let Some(meeting) = Tagged::of(&app, &request, &arn)? {
        meeting.untag(&app, &request, keys).await?;
        return Ok(Reply::empty());
    }
    let resource = resource(&arn)?;
    let keys = tag_keys(keys)?;
    in_era(request.namespace, app.chime().identity().untag_resource(&resource, &keys).await)?;
    Ok(Reply::empty())
}

pub(super) async fn list_tags_for_resource(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = required(request.query.get("arn"), "arn")?;
    if let Some(meeting) = Tagged::of(&app, &request, arn)? {
        let tags = meeting.tags(&app, &request).await?;
        return Reply::json(&Listed { tags: tags.iter().map(TagWire::from).collect() });
    }
    let resource = resource(arn)?;
    let tags = in_era(request.namespace, app.chime().identity().list_tags_for_resource(&resource).await)?;
    Reply::json(&Listed { tags: tags.iter().map(TagWire::from).collect() })
}
