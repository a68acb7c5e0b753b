//! `ListSubChannels`.

use chime_domain::messaging::SubChannelSummary;
use serde::Serialize;

use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    sub_channel_id: &'a str,
    membership_count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channel_arn: &'a str,
    sub_channels: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl<'a> From<&'a SubChannelSummary> for Summary<'a> {
    fn from(sub: &'a SubChannelSummary) -> Self {
        Self { sub_channel_id: sub.id.as_str(), membership_count: sub.members }
    }
}

pub(super) async fn list_sub_channels(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let channel = request.channel()?;
    let messaging = app.chime().messaging(request.acting_user()?);
    let page = messaging.list_sub_channels(&channel, &request.page()?).await?;
    Reply::json(&Listed {
        channel_arn: channel.as_str(),
        sub_channels: page.items.iter().map(Summary::from).collect(),
        next_token: page.next.as_deref(),
    })
}
