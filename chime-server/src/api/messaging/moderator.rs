//! `…ChannelModerator(s)`.

use chime_domain::arn::AppInstanceUserArn;
use serde::{Deserialize, Serialize};

use super::shapes::{Epoch, ModeratorWire};
use crate::api::wire::{self, IdentityWire, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    channel_moderator_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created<'a> {
    channel_arn: &'a str,
    channel_moderator: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    channel_moderator: ModeratorWire<'a, Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    moderator: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channel_arn: &'a str,
    channel_moderators: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

fn moderator(request: &ApiRequest) -> Result<AppInstanceUserArn, ApiError> {
    Ok(wire::user_arn(request.label("channelModeratorArn"), "ChannelModeratorArn")?)
}

pub(super) async fn create_channel_moderator(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let text = required(input.channel_moderator_arn, "ChannelModeratorArn")?;
    let channel = request.channel()?;
    let bearer = request.acting_user()?;
    let user = wire::user_arn(&text, "ChannelModeratorArn")?;
    let moderator = app.chime().messaging(bearer).create_channel_moderator(&channel, &user).await?;
    Reply::json(&Created { channel_arn: channel.as_str(), channel_moderator: (&moderator.moderator).into() })
}

pub(super) async fn describe_channel_moderator(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, user) = (request.channel()?, moderator(&request)?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let moderator = messaging.describe_channel_moderator(&channel, &user).await?;
    Reply::json(&Described { channel_moderator: (&moderator).into() })
}

pub(super) async fn delete_channel_moderator(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, user) = (request.channel()?, moderator(&request)?);
    app.chime().messaging(request.acting_user()?).delete_channel_moderator(&channel, &user).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_channel_moderators(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, page) = (request.channel()?, request.page()?);
    let page = app.chime().messaging(request.acting_user()?).list_channel_moderators(&channel, &page).await?;
    let summaries = page.items.iter().map(|found| Summary { moderator: (&found.moderator).into() });
    Reply::json(&Listed {
        channel_arn: channel.as_str(),
        channel_moderators: summaries.collect(),
        next_token: page.next.as_deref(),
    })
}
