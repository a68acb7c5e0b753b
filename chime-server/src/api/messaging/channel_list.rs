//! `ListChannels`, `SearchChannels`.

use chime_domain::messaging::{ChannelView, SearchField, SearchOperator};
use chime_domain::page::Page;
use serde::{Deserialize, Serialize};

use super::shapes::ChannelSummary;
use crate::api::wire::{self, PRIVACY, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channels: Vec<ChannelSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum FieldKey {
    Members,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Operator {
    Equals,
    Includes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Field {
    #[serde(rename = "Key")]
    _key: FieldKey,
    values: Vec<String>,
    operator: Operator,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Search {
    fields: Option<Vec<Field>>,
}

fn listed(page: &Page<ChannelView>) -> Result<Reply, ApiError> {
    let channels = page.items.iter().map(ChannelSummary::from).collect();
    Reply::json(&Listed { channels, next_token: page.next.as_deref() })
}

pub(super) async fn list_channels(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = required(request.query.get("app-instance-arn"), "app-instance-arn")?;
    let instance = wire::app_instance_arn(instance, "AppInstanceArn")?;
    let privacy = request.choice("privacy", PRIVACY)?;
    let page = request.page()?;
    listed(&app.chime().messaging(request.acting_user()?).list_channels(&instance, privacy, &page).await?)
}

pub(super) async fn search_channels(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Search = request.json()?;
    let mut fields = Vec::new();
    for field in required(input.fields, "Fields")? {
        let members = field.values.iter().map(|text| wire::user_arn(text, "Values"));
        let operator = match field.operator {
            Operator::Equals => SearchOperator::Equals,
            Operator::Includes => SearchOperator::Includes,
        };
        fields.push(SearchField { operator, members: members.collect::<Result<_, _>>()? });
    }
    let page = request.page()?;
    listed(&app.chime().messaging(request.acting_user()?).search_channels(&fields, &page).await?)
}
