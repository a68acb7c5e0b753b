//! Entities and commands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arn::{AppInstanceArn, ChannelArn, ChannelFlowArn};
use crate::error::Refusal;
use crate::identity::Tag;
use crate::ids::{CallbackId, ClientRequestToken, MessageId, SubChannelId};
use crate::limits::PROCESSORS;
use crate::messaging::types::{Message, MessageAttributes, PushNotification};
use crate::ports::Entity;
use crate::text::{Content, Metadata, ResourceName};
use crate::time::Timestamp;

/// What happens to a message when a processor cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FallbackAction {
    /// It goes on as if the processor had changed nothing.
    Continue,
    /// It is not sent: its status is FAILED.
    Abort,
}

/// A function that messages go through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Its name.
    pub name: ResourceName,
    /// ARN of the function.
    pub function: Arc<str>,
    /// Its place among the processors, 1 to 3.
    pub execution_order: u8,
    /// What happens when it cannot be reached.
    pub fallback: FallbackAction,
}

/// The processors of a flow: 1 to 3, each at a place of its own, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Processors(Vec<Processor>);

impl Processors {
    /// Checks them, and puts them in order.
    ///
    /// # Errors
    ///
    /// A bad request when there are none or more than 3, a place is out of bounds, or two have one place or one name.
    pub fn new(mut processors: Vec<Processor>) -> Result<Self, Refusal> {
        let bad = |message: &'static str| Err(Refusal::bad_request("W-17", message));
        if !PROCESSORS.contains(&processors.len()) {
            return bad("Processors must hold 1 to 3 processors.");
        }
        if processors.iter().any(|processor| !PROCESSORS.contains(&usize::from(processor.execution_order))) {
            return bad("ExecutionOrder must be 1 to 3.");
        }
        processors.sort_by_key(|processor| processor.execution_order);
        let pairs = || processors.iter().zip(processors.iter().skip(1));
        if pairs().any(|(one, other)| one.execution_order == other.execution_order) {
            return bad("Each processor needs an ExecutionOrder of its own.");
        }
        let named_alike =
            |one: &Processor| processors.iter().filter(|other| other.name == one.name).count() > 1;
        if processors.iter().any(named_alike) {
            return bad("Each processor needs a Name of its own.");
        }
        Ok(Self(processors))
    }

    /// The processors, in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[Processor] {
        &self.0
    }
}

/// A channel flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelFlow {
    /// Its ARN.
    pub arn: ChannelFlowArn,
    /// Its name.
    pub name: ResourceName,
    /// What messages go through.
    pub processors: Processors,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Entity for ChannelFlow {
    const NAME: &'static str = "channel-flow";
}

/// `CreateChannelFlow`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CreateChannelFlow {
    /// In which app instance.
    pub app_instance: AppInstanceArn,
    /// Its name.
    pub name: ResourceName,
    /// What messages go through.
    pub processors: Processors,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Makes the creation repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

impl CreateChannelFlow {
    /// A flow of that name.
    #[must_use]
    pub fn new(app_instance: AppInstanceArn, name: ResourceName, processors: Processors) -> Self {
        Self { app_instance, name, processors, tags: Vec::new(), client_request_token: None }
    }
}

/// `UpdateChannelFlow`: both are replaced.
#[derive(Clone, Debug)]
pub struct UpdateChannelFlow {
    /// Which.
    pub arn: ChannelFlowArn,
    /// Its new name.
    pub name: ResourceName,
    /// Its new processors.
    pub processors: Processors,
}

/// `ChannelFlowCallback`; what is absent stays as it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChannelFlowCallback {
    /// In which channel.
    pub channel: ChannelArn,
    /// What the processor was given to call back with.
    pub callback: CallbackId,
    /// Which message.
    pub message: MessageId,
    /// In which sub-channel; wherever the message is when absent.
    pub sub_channel: Option<SubChannelId>,
    /// The message is denied.
    pub deny: bool,
    /// New content.
    pub content: Option<Content>,
    /// New metadata.
    pub metadata: Option<Metadata>,
    /// New media type of the content.
    pub content_type: Option<Arc<str>>,
    /// New attributes.
    pub attributes: Option<MessageAttributes>,
    /// What is pushed instead.
    pub push: Option<PushNotification>,
}

impl ChannelFlowCallback {
    /// A callback that lets the message through as it is.
    #[must_use]
    pub fn new(channel: ChannelArn, callback: CallbackId, message: MessageId) -> Self {
        Self {
            channel,
            callback,
            message,
            sub_channel: None,
            deny: false,
            content: None,
            metadata: None,
            content_type: None,
            attributes: None,
            push: None,
        }
    }
}

/// What is done with a message that goes through a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowDoing {
    /// It is sent.
    Create,
    /// It is edited.
    Update,
}

/// How far one work of the queue has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FlowStep {
    /// The processor is still to be called.
    Ready,
    /// Somebody is calling the processor; another may once this moment has passed.
    Calling(Timestamp),
    /// The processor was called, and has until this moment to call back.
    Called(Timestamp),
}

/// A message on its way through a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FlowWork {
    /// What is done.
    pub(crate) doing: FlowDoing,
    /// The message as it will be.
    pub(crate) message: Message,
    /// The processors it still has to go through; never empty.
    pub(crate) left: Vec<Processor>,
    /// What the first of them calls back with.
    pub(crate) callback: CallbackId,
    /// How far that has got.
    pub(crate) step: FlowStep,
}

impl Entity for FlowWork {
    const NAME: &'static str = "flow-work";
}

/// A message that was not sent because a processor could not be reached, kept for its sender to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailedMessage {
    /// The message.
    pub(crate) message: Message,
    /// When it failed.
    pub(crate) at: Timestamp,
    /// Until when it is remembered.
    pub(crate) until: Timestamp,
}

impl Entity for FailedMessage {
    const NAME: &'static str = "failed-message";
}
