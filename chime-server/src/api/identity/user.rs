//! `…AppInstanceUser(s)`.

use chime_domain::identity::{AppInstanceUser, CreateAppInstanceUser, UpdateAppInstanceUser};
use chime_domain::ids::AppInstanceUserId;
use chime_domain::text::{Metadata, UserName};
use serde::{Deserialize, Serialize};

use crate::api::wire::{self, ExpirationWire, TagWire, epoch, parsed, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    app_instance_arn: Option<String>,
    app_instance_user_id: Option<String>,
    name: Option<String>,
    metadata: Option<String>,
    client_request_token: Option<String>,
    tags: Option<Vec<TagWire>>,
    expiration_settings: Option<ExpirationWire>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArnOnly<'a> {
    app_instance_user_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    app_instance_user_arn: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
}

impl<'a> From<&'a AppInstanceUser> for Summary<'a> {
    fn from(user: &'a AppInstanceUser) -> Self {
        Self {
            app_instance_user_arn: user.arn.as_str(),
            name: user.name.as_str(),
            metadata: user.metadata.as_str(),
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
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_settings: Option<ExpirationWire>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    app_instance_user: Whole<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    app_instance_arn: &'a str,
    app_instance_users: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Expires<'a> {
    app_instance_user_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_settings: Option<ExpirationWire>,
}

pub(super) async fn create_app_instance_user(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let instance = required(input.app_instance_arn, "AppInstanceArn")?;
    let instance = wire::app_instance_arn(&instance, "AppInstanceArn")?;
    let id = parsed(input.app_instance_user_id, "AppInstanceUserId", AppInstanceUserId::new)?;
    let name = parsed(input.name, "Name", UserName::new)?;
    let mut command =
        CreateAppInstanceUser::new(instance, required(id, "AppInstanceUserId")?, required(name, "Name")?);
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?.unwrap_or_default();
    command.tags = wire::tags(input.tags)?;
    command.client_request_token = wire::token(input.client_request_token)?;
    command.expiration = wire::expiration(input.expiration_settings)?;
    let arn = app.chime().identity().create_app_instance_user(command).await?;
    Reply::json(&ArnOnly { app_instance_user_arn: arn.as_str() })
}

pub(super) async fn describe_app_instance_user(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = wire::user_arn(request.label("appInstanceUserArn"), "AppInstanceUserArn")?;
    let user = app.chime().identity().describe_app_instance_user(&arn).await?;
    let whole = Whole {
        summary: Summary::from(&user),
        created_timestamp: epoch(user.created),
        last_updated_timestamp: epoch(user.updated),
        expiration_settings: user.expiration.map(ExpirationWire::from),
    };
    Reply::json(&Described { app_instance_user: whole })
}

pub(super) async fn update_app_instance_user(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = wire::user_arn(request.label("appInstanceUserArn"), "AppInstanceUserArn")?;
    let mut command = UpdateAppInstanceUser::new(arn);
    command.name = Some(required(parsed(input.name, "Name", UserName::new)?, "Name")?);
    command.metadata = parsed(input.metadata, "Metadata", Metadata::new)?;
    let arn = app.chime().identity().update_app_instance_user(command).await?;
    Reply::json(&ArnOnly { app_instance_user_arn: arn.as_str() })
}

pub(super) async fn delete_app_instance_user(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = wire::user_arn(request.label("appInstanceUserArn"), "AppInstanceUserArn")?;
    app.chime().identity().delete_app_instance_user(&arn).await?;
    app.scheduler().nudge().await;
    Ok(Reply::empty())
}

pub(super) async fn list_app_instance_users(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = required(request.query.get("app-instance-arn"), "app-instance-arn")?;
    let instance = wire::app_instance_arn(instance, "AppInstanceArn")?;
    let page = app.chime().identity().list_app_instance_users(&instance, &request.page()?).await?;
    Reply::json(&Listed {
        app_instance_arn: instance.as_str(),
        app_instance_users: page.items.iter().map(Summary::from).collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn put_app_instance_user_expiration_settings(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = wire::user_arn(request.label("appInstanceUserArn"), "AppInstanceUserArn")?;
    let expiration = wire::expiration(input.expiration_settings)?;
    let expiration =
        app.chime().identity().put_app_instance_user_expiration_settings(&arn, expiration).await?;
    Reply::json(&Expires {
        app_instance_user_arn: arn.as_str(),
        expiration_settings: expiration.map(ExpirationWire::from),
    })
}
