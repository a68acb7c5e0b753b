//! Channel flows.

use std::collections::BTreeMap;
use std::sync::Arc;

use chime_domain::arn::{AppInstanceArn, ChannelFlowArn};
use chime_domain::error::Refusal;
use chime_domain::ids::{CallbackId, MessageId};
use chime_domain::messaging::{
    ChannelFlow, ChannelFlowCallback, CreateChannelFlow, FallbackAction, Processor, Processors,
    UpdateChannelFlow,
};
use chime_domain::text::{Content, Metadata, ResourceName};
use serde::{Deserialize, Serialize};

use super::membership::sub_channel;
use super::message::{AttributeValue, PushInput, attributes, content_type, push};
use super::shapes::{ChannelSummary, Epoch, Moment};
use crate::api::wire::{self, TagWire, parsed, required};
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize, Serialize)]
enum Invocation {
    #[serde(rename = "ASYNC")]
    Async,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Lambda {
    resource_arn: String,
    invocation_type: Invocation,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    lambda: Lambda,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessorWire {
    name: String,
    configuration: Configuration,
    execution_order: u8,
    fallback_action: FallbackAction,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    app_instance_arn: Option<String>,
    processors: Option<Vec<ProcessorWire>>,
    name: Option<String>,
    tags: Option<Vec<TagWire>>,
    client_request_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Associate {
    channel_flow_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CallbackMessage {
    message_id: Option<String>,
    sub_channel_id: Option<String>,
    content: Option<String>,
    metadata: Option<String>,
    push_notification: Option<PushInput>,
    message_attributes: Option<BTreeMap<String, AttributeValue>>,
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Callback {
    callback_id: Option<String>,
    #[serde(default)]
    delete_resource: Option<bool>,
    channel_message: Option<CallbackMessage>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ArnOnly<'a> {
    channel_flow_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct CalledBack<'a> {
    channel_arn: &'a str,
    callback_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FlowWire<'a> {
    channel_flow_arn: &'a str,
    name: &'a str,
    processors: Vec<ProcessorWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_timestamp: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_updated_timestamp: Option<Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    channel_flow: FlowWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    channel_flows: Vec<FlowWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Associated<'a> {
    channels: Vec<ChannelSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

impl<'a> FlowWire<'a> {
    fn whole(flow: &'a ChannelFlow) -> Self {
        let (created, updated) = (Epoch::of(flow.created), Epoch::of(flow.updated));
        Self {
            created_timestamp: Some(created),
            last_updated_timestamp: Some(updated),
            ..Self::summary(flow)
        }
    }

    fn summary(flow: &'a ChannelFlow) -> Self {
        let processors = flow.processors.as_slice().iter().map(|processor| ProcessorWire {
            name: processor.name.as_str().to_owned(),
            configuration: Configuration {
                lambda: Lambda {
                    resource_arn: processor.function.as_ref().to_owned(),
                    invocation_type: Invocation::Async,
                },
            },
            execution_order: processor.execution_order,
            fallback_action: processor.fallback,
        });
        Self {
            channel_flow_arn: flow.arn.as_str(),
            name: flow.name.as_str(),
            processors: processors.collect(),
            created_timestamp: None,
            last_updated_timestamp: None,
        }
    }
}

/// `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`, as the model has it.
fn is_function(arn: &str) -> bool {
    let parts: Vec<_> = arn.split(':').collect();
    let is_name = |text: &str, extra: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || extra.contains(&b))
    };
    let (head, qualifier) = match parts.as_slice() {
        [head @ .., qualifier] if parts.len() == 8 => (head, Some(*qualifier)),
        head => (head, None),
    };
    let ["arn", "aws", "lambda", region, account, "function", name] = head else { return false };
    (15..=2048).contains(&arn.len())
        && wire::is_region(region)
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && is_name(name, b"-_.")
        && qualifier.is_none_or(|text| text == "$LATEST" || is_name(text, b"-_"))
}

/// The processors, in the app instance's own region and account.
fn processors(
    wire: Option<Vec<ProcessorWire>>,
    app_instance: &AppInstanceArn,
) -> Result<Processors, ApiError> {
    let place = |arn: &str| arn.split(':').skip(3).take(2).map(str::to_owned).collect::<Vec<_>>();
    let own = place(app_instance.as_str());
    let mut processors = Vec::new();
    for ProcessorWire { name, configuration, execution_order, fallback_action } in
        required(wire, "Processors")?
    {
        let function = configuration.lambda.resource_arn;
        if !is_function(&function) {
            return Err(ApiError::bad_request("W-17", "ResourceArn must be the ARN of a Lambda function."));
        }
        if place(&function) != own {
            let message = "The function must be in the region and the account of the app instance.";
            return Err(ApiError::bad_request("W-17", message));
        }
        processors.push(Processor {
            name: ResourceName::new(name).map_err(|error| error.of("Name"))?,
            function: Arc::from(function),
            execution_order,
            fallback: fallback_action,
        });
    }
    Ok(Processors::new(processors)?)
}

fn flow_arn(text: &str) -> Result<ChannelFlowArn, ApiError> {
    ChannelFlowArn::parse(text).map_err(|error| {
        if wire::is_arn(text) {
            Refusal::forbidden("E-06", "The channel flow does not exist or is not visible to the caller.")
                .into()
        } else {
            error.of("ChannelFlowArn").into()
        }
    })
}

fn labelled(request: &ApiRequest) -> Result<ChannelFlowArn, ApiError> {
    flow_arn(request.label("channelFlowArn"))
}

pub(super) async fn create_channel_flow(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let instance = required(input.app_instance_arn, "AppInstanceArn")?;
    let instance = wire::app_instance_arn(&instance, "AppInstanceArn")?;
    let processors = processors(input.processors, &instance)?;
    let name = required(parsed(input.name, "Name", ResourceName::new)?, "Name")?;
    let mut command = CreateChannelFlow::new(instance, name, processors);
    command.tags = wire::tags(input.tags)?;
    command.client_request_token = wire::token(input.client_request_token)?;
    let arn = app.chime().channel_flows().create_channel_flow(command).await?;
    Reply::json(&ArnOnly { channel_flow_arn: arn.as_str() })
}

pub(super) async fn describe_channel_flow(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let flow = app.chime().channel_flows().describe_channel_flow(&labelled(&request)?).await?;
    Reply::json(&Described { channel_flow: FlowWire::whole(&flow) })
}

pub(super) async fn update_channel_flow(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Input = request.json()?;
    let arn = labelled(&request)?;
    let processors = processors(input.processors, &arn.app_instance())?;
    let name = required(parsed(input.name, "Name", ResourceName::new)?, "Name")?;
    let command = UpdateChannelFlow { arn, name, processors };
    let arn = app.chime().channel_flows().update_channel_flow(command).await?;
    Reply::json(&ArnOnly { channel_flow_arn: arn.as_str() })
}

pub(super) async fn delete_channel_flow(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().channel_flows().delete_channel_flow(&labelled(&request)?).await?;
    Ok(Reply::empty())
}

pub(super) async fn list_channel_flows(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let instance = required(request.query.get("app-instance-arn"), "app-instance-arn")?;
    let instance = wire::app_instance_arn(instance, "AppInstanceArn")?;
    let page = app.chime().channel_flows().list_channel_flows(&instance, &request.page()?).await?;
    Reply::json(&Listed {
        channel_flows: page.items.iter().map(FlowWire::summary).collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn list_channels_associated_with_channel_flow(
    app: App,
    request: ApiRequest,
) -> Result<Reply, ApiError> {
    let arn = flow_arn(required(request.query.get("channel-flow-arn"), "channel-flow-arn")?)?;
    let flows = app.chime().channel_flows();
    let page = flows.list_channels_associated_with_channel_flow(&arn, &request.page()?).await?;
    Reply::json(&Associated {
        channels: page.items.iter().map(ChannelSummary::from).collect(),
        next_token: page.next.as_deref(),
    })
}

pub(super) async fn associate_channel_flow(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Associate = request.json()?;
    let arn = flow_arn(&required(input.channel_flow_arn, "ChannelFlowArn")?)?;
    app.chime().messaging(request.acting_user()?).associate_channel_flow(&request.channel()?, &arn).await?;
    Ok(Reply::empty())
}

pub(super) async fn disassociate_channel_flow(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let arn = labelled(&request)?;
    app.chime()
        .messaging(request.acting_user()?)
        .disassociate_channel_flow(&request.channel()?, &arn)
        .await?;
    Ok(Reply::empty())
}

pub(super) async fn channel_flow_callback(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let input: Callback = request.json()?;
    let message = required(input.channel_message, "ChannelMessage")?;
    let callback = parsed(input.callback_id, "CallbackId", CallbackId::new)?;
    let id = required(parsed(message.message_id, "MessageId", MessageId::new)?, "MessageId")?;
    let mut command = ChannelFlowCallback::new(request.channel()?, required(callback, "CallbackId")?, id);
    command.sub_channel = sub_channel(message.sub_channel_id)?;
    command.deny = input.delete_resource.unwrap_or(false);
    command.content = parsed(message.content, "Content", Content::new)?;
    command.metadata = parsed(message.metadata, "Metadata", Metadata::new)?;
    command.content_type = content_type(message.content_type)?;
    command.attributes = message.message_attributes.map(|given| attributes(Some(given))).transpose()?;
    command.push = push(message.push_notification)?;
    app.chime().channel_flow_callback(&command).await?;
    app.flows().advance(&command.channel);
    // The message may be sent now, and pushed.
    app.scheduler().nudge_outward();
    Reply::json(&CalledBack { channel_arn: command.channel.as_str(), callback_id: command.callback.as_str() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arns_of_functions_are_those_of_the_model() {
        let of = |rest: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{rest}");
        for arn in [of("f"), of("my-f_1.x"), of("f:$LATEST"), of("f:v-1_2")] {
            assert!(is_function(&arn), "{arn}");
        }
        let other = "arn:aws:s3:us-east-1:123456789012:function:f".to_owned();
        let short = "arn:aws:lambda:us-east-1:12345:function:f".to_owned();
        for arn in [of(""), of("a b"), of("f:"), of("f:a:b"), of("f:$latest"), other, short] {
            assert!(!is_function(&arn), "{arn}");
        }
    }
}
