//! `…ChannelBan(s)`.

use chime_domain::arn::AppInstanceUserArn;
use serde::{Deserialize, Serialize};

use super::shapes::{BanWire, Epoch};
use crate::api::wire::{self, IdentityWire, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    member_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created<'a> {
    channel_arn: &'a str,
    member: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    channel_ban: BanWire<'a, Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    member: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channel_arn: &'a str,
    channel_bans: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

fn member(request: &ApiRequest) -> Result<AppInstanceUserArn, ApiError> {
    Ok(wire::user_arn(request.label("memberArn"), "MemberArn")?)
}

pub(super) async fn create_channel_ban(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let text = required(input.member_arn, "MemberArn")?;
    let channel = request.channel()?;
    let bearer = request.acting_user()?;
    let member = wire::user_arn(&text, "MemberArn")?;
    let ban = app.chime().messaging(bearer).create_channel_ban(&channel, &member).await?;
    Reply::json(&Created { channel_arn: channel.as_str(), member: (&ban.member).into() })
}

pub(super) async fn describe_channel_ban(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, member) = (request.channel()?, member(&request)?);
    let ban = app.chime().messaging(request.acting_user()?).describe_channel_ban(&channel, &member).await?;
    Reply::json(&Described { channel_ban: (&ban).into() })
}

pub(super) async fn delete_channel_ban(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, member) = (request.channel()?, member(&request)?);
    app.chime().messaging(request.acting_user()?).delete_channel_ban(&channel, &member).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_channel_bans(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let (channel, page) = (request.channel()?, request.page()?);
    let page = app.chime().messaging(request.acting_user()?).list_channel_bans(&channel, &page).await?;
    Reply::json(&Listed {
        channel_arn: channel.as_str(),
        channel_bans: page.items.iter().map(|found| Summary { member: (&found.member).into() }).collect(),
        next_token: page.next.as_deref(),
    })
}
