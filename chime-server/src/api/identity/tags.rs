//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn, ChannelFlowArn};
use chime_domain::error::Refusal;
use chime_domain::identity::Resource;
use chime_domain::limits::TAGS_PER_REQUEST;
use chime_domain::text::TagKey;
use serde::{Deserialize, Serialize};

use super::in_era;
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
    if let Ok(arn) = AppInstanceArn::parse(text) {
        return Ok(Resource::AppInstance(arn));
    }
    if let Ok(arn) = AppInstanceUserArn::parse(text) {
        return Ok(Resource::User(arn));
    }
    if let Ok(arn) = ChannelArn::parse(text) {
        return Ok(Resource::Channel(arn));
    }
    if let Ok(arn) = ChannelFlowArn::parse(text) {
        return Ok(Resource::Flow(arn));
    }
    if text.starts_with("arn:") {
        return Err(Refusal::forbidden("E-06", "The resource does not exist or cannot be tagged.").into());
    }
    Err(ApiError::bad_request("APP-21", "ResourceARN is not an ARN."))
}

pub(super) async fn tag_resource(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let resource = resource(&required(input.resource_arn, "ResourceARN")?)?;
    let tags = wire::tags(Some(required(input.tags, "Tags")?))?;
    in_era(request.namespace, app.chime().identity().tag_resource(&resource, tags).await)?;
    Ok(Reply::empty())
}

pub(super) async fn untag_resource(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let resource = resource(&required(input.resource_arn, "ResourceARN")?)?;
    let keys = required(input.tag_keys, "TagKeys")?;
    if !TAGS_PER_REQUEST.contains(&keys.len()) {
        return Err(ApiError::bad_request("APP-21", "TagKeys must hold 1 to 50 keys."));
    }
    let keys = keys.into_iter().map(TagKey::new).collect::<Result<Vec<_>, _>>();
    let keys = keys.map_err(|error| error.of("TagKeys"))?;
    in_era(request.namespace, app.chime().identity().untag_resource(&resource, &keys).await)?;
    Ok(Reply::empty())
}

pub(super) async fn list_tags_for_resource(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let resource = resource(required(request.query.get("arn"), "arn")?)?;
    let tags = in_era(request.namespace, app.chime().identity().list_tags_for_resource(&resource).await)?;
    Reply::json(&Listed { tags: tags.iter().map(TagWire::from).collect() })
}
