//! `…StreamingConfigurations`, under the names of both namespaces (wire rule D-03).

use std::sync::Arc;

use chime_domain::identity::{StreamingConfiguration, StreamingDataType};
use serde::{Deserialize, Serialize};

use super::in_era;
use crate::api::wire;
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct One {
    #[serde(alias = "AppInstanceDataType")]
    data_type: StreamingDataType,
    resource_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    streaming_configurations: Option<Vec<One>>,
    app_instance_streaming_configurations: Option<Vec<One>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    data_type: StreamingDataType,
    resource_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NamedBefore<'a> {
    app_instance_data_type: StreamingDataType,
    resource_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    streaming_configurations: Vec<Named<'a>>,
    app_instance_streaming_configurations: Vec<NamedBefore<'a>>,
}

fn output(configurations: &[StreamingConfiguration]) -> Result<Reply, ApiError> {
    let both = configurations.iter().map(|one| (one.data_type, &*one.resource_arn));
    Reply::json(&Output {
        streaming_configurations: both
            .clone()
            .map(|(data_type, resource_arn)| Named { data_type, resource_arn })
            .collect(),
        app_instance_streaming_configurations: both
            .map(|(app_instance_data_type, resource_arn)| NamedBefore {
                app_instance_data_type,
                resource_arn,
            })
            .collect(),
    })
}

pub(super) async fn put_streaming_configurations(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    let given = input.streaming_configurations.or(input.app_instance_streaming_configurations);
    let configurations = wire::required(given, "StreamingConfigurations")?
        .into_iter()
        .map(|one| StreamingConfiguration {
            data_type: one.data_type,
            resource_arn: Arc::from(one.resource_arn),
        })
        .collect();
    let put = app.chime().identity().put_streaming_configurations(&arn, configurations).await;
    output(&in_era(request.namespace, put)?.configurations)
}

pub(super) async fn get_streaming_configurations(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    let found = in_era(request.namespace, app.chime().identity().get_streaming_configurations(&arn).await)?;
    output(found.as_ref().map(|found| found.configurations.as_slice()).unwrap_or_default())
}

pub(super) async fn delete_streaming_configurations(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    in_era(request.namespace, app.chime().identity().delete_streaming_configurations(&arn).await)?;
    Ok(Reply::empty())
}
