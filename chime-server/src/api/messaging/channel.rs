//! `CreateChannel`, `DescribeChannel`, `UpdateChannel`, `DeleteChannel`, `PutChannelExpirationSettings`.

use chime_domain::access::{Mode, Privacy};
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::ids::ChannelId;
use chime_domain::limits::{CREATE_CHANNEL_ARNS, Quota};
use chime_domain::messaging::{CreateChannel, ElasticChannelConfiguration, UpdateChannel};
use chime_domain::text::{Metadata, ResourceName};
use serde::{Deserialize, Serialize};

use super::shapes::{ChannelWire, ElasticWire, Epoch};
use crate::api::wire::{self, ExpirationWire, TagWire, parsed, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    app_instance_arn: Option<String>,
    name: Option<String>,
    mode: Option<Mode>,
    privacy: Option<Privacy>,
    metadata: Option<String>,
    client_request_token: Option<String>,
    tags: Option<Vec<TagWire>>,
    channel_id: Option<String>,
    member_arns: Option<Vec<String>>,
    moderator_arns: Option<Vec<String>>,
    elastic_channel_configuration: Option<ElasticWire>,
    expiration_settings: Option<ExpirationWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Update {
    name: Option<String>,
    mode: Option<Mode>,
    metadata: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Expire {
    expiration_settings: Option<ExpirationWire>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArnOnly<'a> {
    channel_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    channel: ChannelWire<'a, Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Expires<'a> {
    channel_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_settings: Option<ExpirationWire>,
}

fn users(texts: Option<Vec<String>>, member: &str) -> Result<Vec<AppInstanceUserArn>, ApiError> {
    let Some(texts) = texts else { return Ok(Vec::new()) };
    if !CREATE_CHANNEL_ARNS.contains(&texts.len()) {
        let message = format!("{member} holds {} ARNs, outside 1 to 10.", texts.len());
        return Err(ApiError::bad_request("D-08", message));
    }
    Ok(texts.iter().map(|text| wire::user_arn(text, member)).collect::<Result<_, _>>()?)
}

pub(super) async fn create_channel(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Create = request.json()?;
    let instance = required(input.app_instance_arn, "AppInstanceArn")?;
    let instance = wire::app_instance_arn(&instance, "AppInstanceArn")?;
    let name = required(parsed(input.name, "Name", ResourceName::new)?, "Name")?;
    let mut command = CreateChannel::new(instance, name);
    command.mode = input.mode.unwrap_or(command.mode);
    command.privacy = input.privacy.unwrap_or(command.privacy);
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?.unwrap_or_default();
    command.client_request_token = wire::token(input.client_request_token)?;
    command.tags = wire::tags(input.tags)?;
    command.id = parsed(input.channel_id, "ChannelId", ChannelId::new)?;
    command.members = users(input.member_arns, "MemberArns")?;
    command.moderators = users(input.moderator_arns, "ModeratorArns")?;
    command.expiration = wire::expiration(input.expiration_settings)?;
    if let Some(of) = input.elastic_channel_configuration {
        let most = app.chime().settings().limits.get(Quota::MembershipsPerElasticChannel);
        let (target, percentage) = (of.target_memberships_per_sub_channel, of.minimum_membership_percentage);
        command.elastic =
            Some(ElasticChannelConfiguration::new(of.maximum_sub_channels, target, percentage, most)?);
    }
    let bearer = request.acting_user()?;
    let arn = app.chime().messaging(bearer).create_channel(command).await?;
    Reply::json(&ArnOnly { channel_arn: arn.as_str() })
}

pub(super) async fn describe_channel(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = request.channel()?;
    let view = app.chime().messaging(request.acting_user()?).describe_channel(&arn).await?;
    Reply::json(&Described { channel: ChannelWire::new(&view.channel, view.last_message) })
}

pub(super) async fn update_channel(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Update = request.json()?;
    let mut command = UpdateChannel::new(request.channel()?);
    command.name = parsed(input.name, "Name", ResourceName::new)?;
    command.mode = input.mode;
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?;
    let arn = app.chime().messaging(request.acting_user()?).update_channel(command).await?;
    Reply::json(&ArnOnly { channel_arn: arn.as_str() })
}

pub(super) async fn delete_channel(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = request.channel()?;
    app.chime().messaging(request.acting_user()?).delete_channel(&arn).await?;
    app.scheduler().nudge().await;
    Ok(Reply::empty())
}

/// Without a bearer it is the account's own act.
pub(super) async fn put_channel_expiration_settings(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: Expire = request.json()?;
    let expiration = wire::expiration(input.expiration_settings)?;
    let arn = request.channel()?;
    let arn = match request.acting_user_if_any()? {
        Some(bearer) => {
            app.chime().messaging(bearer).put_channel_expiration_settings(&arn, expiration).await?
        }
        None => app.chime().put_channel_expiration_settings(&arn, expiration).await?,
    };
    Reply::json(&Expires {
        channel_arn: arn.as_str(),
        expiration_settings: expiration.map(ExpirationWire::from),
    })
}
