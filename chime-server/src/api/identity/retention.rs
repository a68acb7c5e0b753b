//! `…AppInstanceRetentionSettings`.

use chime_domain::identity::{Retention, retention_rules};
use serde::{Deserialize, Serialize};

use super::in_era;
use crate::api::wire::{self, epoch, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Channels {
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_days: Option<u32>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    channel_retention_settings: Option<Channels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    app_instance_retention_settings: Option<Settings>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    app_instance_retention_settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiate_deletion_timestamp: Option<f64>,
}

fn output(retention: Option<&Retention>) -> Output {
    let retention_days = retention.and_then(|retention| retention.days);
    Output {
        app_instance_retention_settings: Settings {
            channel_retention_settings: Some(Channels { retention_days }),
        },
        initiate_deletion_timestamp: retention.and_then(retention_rules::initiate_deletion).map(epoch),
    }
}

pub(super) async fn put_app_instance_retention_settings(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    let settings = required(input.app_instance_retention_settings, "AppInstanceRetentionSettings")?;
    let days = settings.channel_retention_settings.unwrap_or_default().retention_days;
    let put = app.chime().identity().put_app_instance_retention_settings(&arn, days).await;
    Reply::json(&output(Some(&in_era(request.namespace, put)?)))
}

pub(super) async fn get_app_instance_retention_settings(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let arn = wire::app_instance_arn(request.label("appInstanceArn"), "AppInstanceArn")?;
    let found = app.chime().identity().get_app_instance_retention_settings(&arn).await;
    Reply::json(&output(in_era(request.namespace, found)?.as_ref()))
}
