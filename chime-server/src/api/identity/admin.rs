//! `…AppInstanceAdmin(s)`.

use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn};
use serde::{Deserialize, Serialize};

use crate::api::wire::{self, IdentityWire, epoch, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    app_instance_admin_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created<'a> {
    app_instance_admin: IdentityWire<'a>,
    app_instance_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Whole<'a> {
    admin: IdentityWire<'a>,
    app_instance_arn: &'a str,
    created_timestamp: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    app_instance_admin: Whole<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    admin: IdentityWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    app_instance_arn: &'a str,
    app_instance_admins: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

fn instance(request: &ApiRequest) -> Result<AppInstanceArn, ApiError> {
    Ok(wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?)
}

fn admin(request: &ApiRequest) -> Result<AppInstanceUserArn, ApiError> {
    Ok(wire::user_arn(request.label("appInstanceAdminArn"), "AppInstanceAdminArn")?)
}

pub(super) async fn create_app_instance_admin(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let instance = instance(&request)?;
    let user = required(input.app_instance_admin_arn, "AppInstanceAdminArn")?;
    let user = wire::user_arn(&user, "AppInstanceAdminArn")?;
    let admin = app.chime().identity().create_app_instance_admin(&instance, &user).await?;
    Reply::json(&Created { app_instance_admin: (&admin.admin).into(), app_instance_arn: instance.as_str() })
}

pub(super) async fn describe_app_instance_admin(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = instance(&request)?;
    let found = app.chime().identity().describe_app_instance_admin(&instance, &admin(&request)?).await?;
    let whole = Whole {
        admin: (&found.admin).into(),
        app_instance_arn: instance.as_str(),
        created_timestamp: epoch(found.created),
    };
    Reply::json(&Described { app_instance_admin: whole })
}

pub(super) async fn delete_app_instance_admin(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = instance(&request)?;
    app.chime().identity().delete_app_instance_admin(&instance, &admin(&request)?).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_app_instance_admins(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = instance(&request)?;
    let page = app.chime().identity().list_app_instance_admins(&instance, &request.page()?).await?;
    Reply::json(&Listed {
        app_instance_arn: instance.as_str(),
        app_instance_admins: page
            .items
            .iter()
            .map(|found| Summary { admin: (&found.admin).into() })
            .collect(),
        next_token: page.next.as_deref(),
    })
}
