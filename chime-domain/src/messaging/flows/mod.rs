//! Channel flows: messages go through processors before they reach a channel.
//!
//! The STANDARD messages of a channel with a flow, new ones and edits, wait in a queue of the channel. The first of it is
//! handed to the processors of the flow, one after the other; each calls back with what becomes of the message. Then
//! the next one's turn comes.
//!
//! # Our choices
//!
//! - Messages are processed and sent in the order in which they were accepted, one at a time for each channel.
//! - A message enters the channel when it is released: its place and moment are those of the release. Until then it is
//!   listed to nobody; its sender gets it, and its status, by id. A message that failed is answered like that for a day.
//! - A denied message leaves nothing behind.
//! - A message that is deleted while it is PENDING leaves the queue, and its sender is told that it was denied; a callback
//!   for it then meets a Conflict, like one that comes twice. One that FAILED is forgotten at once.
//! - The processors are those of the moment at which the message was accepted: neither a change of the flow nor its
//!   removal from the channel affects messages under way.
//! - A processor that does not call back in time counts as one that cannot be reached: its fallback action is taken.
//! - A callback that comes twice, or too late, is a Conflict. It may leave the sub-channel of the message out, and a bad
//!   request tells that it names another.
//! - An edit whose message was deleted or redacted in the meantime is dropped, and its sender is told that it failed.

mod payload;
mod queue;
mod rules;
mod service;
mod types;
mod under_way;

pub use service::ChannelFlows;
pub use types::{
    ChannelFlow, ChannelFlowCallback, CreateChannelFlow, FallbackAction, FlowDoing, Processor, Processors,
    UpdateChannelFlow,
};

pub(super) use rules::enqueue;
pub(crate) use types::FailedMessage;
