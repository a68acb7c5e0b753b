//! Channels from the side of a user: its memberships, and what it moderates.

use chime_domain::arn::AppInstanceUserArn;
use chime_domain::messaging::{ChannelView, OwnMembership};
use serde::Serialize;

use super::shapes::{ChannelSummary, Epoch, Moment};
use crate::api::wire::{self, membership_word};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MembershipSummary {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_marker_timestamp: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_channel_id: Option<String>,
}

/// `ChannelMembershipForAppInstanceUserSummary`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OwnWire<'a> {
    channel_summary: ChannelSummary<'a>,
    app_instance_user_membership_summary: MembershipSummary,
}

impl<'a> From<&'a OwnMembership> for OwnWire<'a> {
    fn from(own: &'a OwnMembership) -> Self {
        Self {
            channel_summary: (&own.channel).into(),
            app_instance_user_membership_summary: MembershipSummary {
                r#type: membership_word(own.kind),
                read_marker_timestamp: own.read_marker.map(Epoch::of),
                sub_channel_id: own.sub_channel.as_ref().map(ToString::to_string),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    channel_membership: OwnWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channel_memberships: Vec<OwnWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Moderated<'a> {
    channel_summary: ChannelSummary<'a>,
}

impl<'a> From<&'a ChannelView> for Moderated<'a> {
    fn from(view: &'a ChannelView) -> Self {
        Self { channel_summary: view.into() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribedModerated<'a> {
    channel: Moderated<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedModerated<'a> {
    channels: Vec<Moderated<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

/// The user that the request is about, if it names one.
fn user(request: &ApiRequest) -> Result<Option<AppInstanceUserArn>, ApiError> {
    let named = request.query.get("app-instance-user-arn");
    Ok(named.map(|text| wire::user_arn(text, "AppInstanceUserArn")).transpose()?)
}

pub(super) async fn describe_channel_membership_for_app_instance_user(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let (channel, user) = (request.channel()?, user(&request)?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let own = messaging.describe_channel_membership_for_app_instance_user(&channel, user.as_ref()).await?;
    Reply::json(&Described { channel_membership: (&own).into() })
}

pub(super) async fn list_channel_memberships_for_app_instance_user(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let (user, page) = (user(&request)?, request.page()?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let page = messaging.list_channel_memberships_for_app_instance_user(user.as_ref(), &page).await?;
    let channel_memberships = page.items.iter().map(OwnWire::from).collect();
    Reply::json(&Listed { channel_memberships, next_token: page.next.as_deref() })
}

pub(super) async fn describe_channel_moderated_by_app_instance_user(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let (channel, user) = (request.channel()?, user(&request)?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let view = messaging.describe_channel_moderated_by_app_instance_user(&channel, user.as_ref()).await?;
    Reply::json(&DescribedModerated { channel: (&view).into() })
}

pub(super) async fn list_channels_moderated_by_app_instance_user(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let (user, page) = (user(&request)?, request.page()?);
    let messaging = app.chime().messaging(request.acting_user()?);
    let page = messaging.list_channels_moderated_by_app_instance_user(user.as_ref(), &page).await?;
    let channels = page.items.iter().map(Moderated::from).collect();
    Reply::json(&ListedModerated { channels, next_token: page.next.as_deref() })
}
