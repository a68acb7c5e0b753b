//! `…AppInstanceUserEndpoint(s)`.

use chime_domain::arn::AppInstanceUserArn;
use chime_domain::identity::{EndpointFault, EndpointType, RegisterEndpoint, UserEndpoint};
use chime_domain::text::Private;
use serde::{Deserialize, Serialize};

use crate::api::wire::{self, epoch, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum AllowMessages {
    All,
    None,
}

impl From<bool> for AllowMessages {
    fn from(allow: bool) -> Self {
        if allow { Self::All } else { Self::None }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    device_token: Option<String>,
    voip_device_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    r#type: Option<EndpointType>,
    resource_arn: Option<String>,
    endpoint_attributes: Option<Attributes>,
    client_request_token: Option<String>,
    allow_messages: Option<AllowMessages>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct IdOnly<'a> {
    app_instance_user_arn: &'a str,
    endpoint_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Active,
    Inactive,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<EndpointFault>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary<'a> {
    app_instance_user_arn: &'a str,
    endpoint_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    r#type: EndpointType,
    allow_messages: AllowMessages,
    endpoint_state: State,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributesWire<'a> {
    device_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    voip_device_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Whole<'a> {
    #[serde(flatten)]
    summary: Summary<'a>,
    resource_arn: &'a str,
    endpoint_attributes: AttributesWire<'a>,
    created_timestamp: f64,
    last_updated_timestamp: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    app_instance_user_endpoint: Whole<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    app_instance_user_endpoints: Vec<Summary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl<'a> From<&'a UserEndpoint> for Summary<'a> {
    fn from(endpoint: &'a UserEndpoint) -> Self {
        let status = if endpoint.fault.is_some() { Status::Inactive } else { Status::Active };
        Self {
            app_instance_user_arn: endpoint.user.as_str(),
            endpoint_id: &endpoint.id,
            name: &endpoint.name.0,
            r#type: endpoint.kind,
            allow_messages: endpoint.allow_messages.into(),
            endpoint_state: State { status, status_reason: endpoint.fault },
        }
    }
}

/// A text of at most 1,600 characters, and of at least `least`.
fn sensitive(text: String, least: usize, member: &str) -> Result<Private<String>, ApiError> {
    if !(least..=1600).contains(&text.chars().count()) {
        return Err(ApiError::bad_request("W-17", format!("{member} must have {least} to 1600 characters.")));
    }
    Ok(Private(text))
}

fn user(request: &ApiRequest) -> Result<AppInstanceUserArn, ApiError> {
    Ok(wire::user_arn(request.label("appInstanceUserArn"), "AppInstanceUserArn")?)
}

/// The endpoint of the path.
fn endpoint_id(request: &ApiRequest) -> Result<&str, ApiError> {
    let id = request.label("endpointId");
    if id.len() > 64 {
        return Err(ApiError::bad_request("W-17", "EndpointId must have at most 64 characters."));
    }
    Ok(id)
}

fn allows(wire: AllowMessages) -> bool {
    matches!(wire, AllowMessages::All)
}

pub(super) async fn register_app_instance_user_endpoint(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let attributes = required(input.endpoint_attributes, "EndpointAttributes")?;
    let token = sensitive(required(attributes.device_token, "DeviceToken")?, 1, "DeviceToken")?;
    let voip =
        attributes.voip_device_token.map(|token| sensitive(token, 1, "VoipDeviceToken")).transpose()?;
    let resource_arn = required(input.resource_arn, "ResourceArn")?;
    if !wire::is_arn(&resource_arn) {
        return Err(ApiError::bad_request("W-17", "ResourceArn is not an ARN."));
    }
    let command = RegisterEndpoint {
        user: user(&request)?,
        name: sensitive(input.name.unwrap_or_default(), 0, "Name")?,
        kind: required(input.r#type, "Type")?,
        resource_arn: resource_arn.into(),
        device_token: token,
        voip_device_token: voip,
        allow_messages: input.allow_messages.is_none_or(allows),
        client_request_token: wire::token(input.client_request_token)?,
    };
    let user = command.user.clone();
    let id = app.chime().identity().register_app_instance_user_endpoint(command).await?;
    Reply::json(&IdOnly { app_instance_user_arn: user.as_str(), endpoint_id: &id })
}

pub(super) async fn describe_app_instance_user_endpoint(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let user = user(&request)?;
    let id = endpoint_id(&request)?;
    let found = app.chime().identity().describe_app_instance_user_endpoint(&user, id).await?;
    Reply::json(&Described {
        app_instance_user_endpoint: Whole {
            summary: Summary::from(&found),
            resource_arn: &found.resource_arn,
            endpoint_attributes: AttributesWire {
                device_token: &found.device_token.0,
                voip_device_token: found.voip_device_token.as_ref().map(|token| token.0.as_str()),
            },
            created_timestamp: epoch(found.created),
            last_updated_timestamp: epoch(found.updated),
        },
    })
}

pub(super) async fn update_app_instance_user_endpoint(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let (user, id) = (user(&request)?, endpoint_id(&request)?);
    let name = input.name.map(|name| sensitive(name, 0, "Name")).transpose()?;
    let allow = input.allow_messages.map(allows);
    app.chime().identity().update_app_instance_user_endpoint(&user, id, name, allow).await?;
    Reply::json(&IdOnly { app_instance_user_arn: user.as_str(), endpoint_id: id })
}

pub(super) async fn deregister_app_instance_user_endpoint(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let user = user(&request)?;
    let id = endpoint_id(&request)?;
    app.chime().identity().deregister_app_instance_user_endpoint(&user, id).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_app_instance_user_endpoints(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let user = user(&request)?;
    let page = app.chime().identity().list_app_instance_user_endpoints(&user, &request.page()?).await?;
    Reply::json(&Listed {
        app_instance_user_endpoints: page.items.iter().map(Summary::from).collect(),
        next_token: page.next.as_deref(),
    })
}
