//! `…AppInstance(s)`.

use chime_domain::identity::{AppInstance, CreateAppInstance, UpdateAppInstance};
use chime_domain::text::{Metadata, ResourceName};
use serde::{Deserialize, Serialize};

use crate::api::wire::{self, TagWire, epoch, parsed, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    metadata: Option<String>,
    client_request_token: Option<String>,
    tags: Option<Vec<TagWire>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArnOnly<'a> {
    app_instance_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    app_instance_arn: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
}

impl<'a> From<&'a AppInstance> for Summary<'a> {
    fn from(instance: &'a AppInstance) -> Self {
        Self {
            app_instance_arn: instance.arn.as_str(),
            name: instance.name.as_str(),
            metadata: instance.metadata.as_str(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Whole<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    created_timestamp: f64,
    last_updated_timestamp: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    app_instance: Whole<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    app_instances: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

pub(super) async fn create_app_instance(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let name = required(parsed(input.name, "Name", ResourceName::new)?, "Name")?;
    let mut command = CreateAppInstance::new(name);
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?.unwrap_or_default();
    command.tags = wire::tags(input.tags)?;
    command.client_request_token = wire::token(input.client_request_token)?;
    let arn = app.chime().identity().create_app_instance(command).await?;
    Reply::json(&ArnOnly { app_instance_arn: arn.as_str() })
}

pub(super) async fn describe_app_instance(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    let instance = app.chime().identity().describe_app_instance(&arn).await?;
    let whole = Whole {
        summary: Summary::from(&instance),
        created_timestamp: epoch(instance.created),
        last_updated_timestamp: epoch(instance.updated),
    };
    Reply::json(&Described { app_instance: whole })
}

pub(super) async fn update_app_instance(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    let mut command = UpdateAppInstance::new(arn);
    command.name = Some(required(parsed(input.name, "Name", ResourceName::new)?, "Name")?);
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?;
    let arn = app.chime().identity().update_app_instance(command).await?;
    Reply::json(&ArnOnly { app_instance_arn: arn.as_str() })
}

pub(super) async fn delete_app_instance(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    app.chime().identity().delete_app_instance(&arn).await?;
    app.scheduler().nudge().await;
    Ok(Reply::empty())
}

pub(super) async fn list_app_instances(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let page = app.chime().identity().list_app_instances(&request.page()?).await?;
    let app_instances = page.items.iter().map(Summary::from).collect();
    Reply::json(&Listed { app_instances, next_token: page.next.as_deref() })
}
