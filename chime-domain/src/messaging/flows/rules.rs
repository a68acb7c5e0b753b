//! Pure rules.

use std::sync::Arc;
use std::time::Duration;

use super::types::{
    ChannelFlow, ChannelFlowCallback, FailedMessage, FlowDoing, FlowStep, FlowWork, Processor,
};
use crate::access::Action;
use crate::arn::ChannelFlowArn;
use crate::error::Refusal;
use crate::flow::{Decision, Loaded, Settings, Task, TaskKind};
use crate::ids::{CallbackId, SubChannelId};
use crate::limits::{FAILED_MESSAGE_HOURS, Quota};
use crate::messaging::events::{ChannelEvent, Place};
use crate::messaging::facts::{ChannelFacts, Missing};
use crate::messaging::keys;
use crate::messaging::rules::channels::count;
use crate::messaging::rules::messages::enter;
use crate::messaging::types::{Channel, Link, Message, MessageStatus, Outcome, Sent};
use crate::ports::{Append, Change, Entry, EntryId, Keep, Record};
use crate::time::Timestamp;

/// How long a queue is left alone before the scheduler looks after it: whoever accepted a message sees to it at once.
const LOOK_AFTER: Duration = Duration::from_secs(5);

pub(super) fn hidden_flow() -> Refusal {
    Refusal::forbidden("E-06", "The channel flow does not exist or is not visible to the caller.")
}

/// `AssociateChannelFlow`: by administrators and moderators; a channel has one flow at most.
pub(super) fn associate(
    facts: &ChannelFacts,
    flow: &Loaded<ChannelFlow>,
    arn: &ChannelFlowArn,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::UpdateChannel, Missing::NotFound, settings)?;
    let known =
        flow.get().is_some_and(|flow| flow.arn == *arn) && arn.app_instance() == channel.arn.app_instance();
    if !known {
        return Err(Refusal::not_found("E-06", "The app instance has no channel flow of this ARN."));
    }
    match &channel.flow {
        Some(other) if other == arn => return Ok(Decision::reply(())),
        Some(_) => {
            return Err(Refusal::conflict("T-08", "The channel has another channel flow already.")
                .unless("disassociate that first."));
        }
        None => {}
    }
    let channel = Channel { flow: Some(arn.clone()), updated: now, ..channel.clone() };
    Ok(Decision::reply(())
        .guards(facts.guards())
        .guard(flow.guard())
        // Written anew, so that a deletion which has just looked for channels is overtaken.
        .changes(flow.get().map(|value| Change::Put(flow.key().clone(), Record::of(value.clone()))))
        .change(Change::Put(keys::flow_channel(arn, &channel.arn), Record::of(Link)))
        .change(Change::Put(facts.channel.key().clone(), Record::of(channel.clone())))
        .announce(ChannelEvent::ChannelUpdated(channel).announce()))
}

/// `DisassociateChannelFlow`.
pub(super) fn disassociate(
    facts: &ChannelFacts,
    arn: &ChannelFlowArn,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<()>, Refusal> {
    let channel = facts.authorize(Action::UpdateChannel, Missing::NotFound, settings)?;
    if channel.flow.as_ref() != Some(arn) {
        return Err(Refusal::not_found("E-06", "The channel does not have this channel flow."));
    }
    let channel = Channel { flow: None, updated: now, ..channel.clone() };
    Ok(Decision::reply(())
        .guards(facts.guards())
        .change(Change::Delete(keys::flow_channel(arn, &channel.arn)))
        .change(Change::Put(facts.channel.key().clone(), Record::of(channel.clone())))
        .announce(ChannelEvent::ChannelUpdated(channel).announce()))
}

/// Takes a flow away that no channel has.
pub(super) fn delete(
    flow: &Loaded<ChannelFlow>,
    used: bool,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    let Some(value) = flow.get() else { return Ok(Decision::reply(())) };
    if used {
        return Err(Refusal::conflict("T-08", "Channels have this channel flow.").unless(
            "disassociate it from all of them first; ListChannelsAssociatedWithChannelFlow names them.",
        ));
    }
    let of = [value.arn.app_instance_id()];
    Ok(Decision::reply(())
        .guard(flow.guard())
        .change(Change::Delete(flow.key().clone()))
        .change(Change::Delete(crate::identity::keys::tags(&crate::identity::Resource::Flow(
            value.arn.clone(),
        ))))
        .change(count(settings, Quota::FlowsPerAppInstance, &of, -1)))
}

/// Puts a message into the queue of its channel, in place of sending it. The caller's right to send it was decided.
pub(in crate::messaging) fn enqueue(
    facts: &ChannelFacts,
    flow: &ChannelFlow,
    doing: FlowDoing,
    message: Message,
    callback: CallbackId,
    settings: &Settings,
    now: Timestamp,
) -> Decision<Outcome> {
    let id: EntryId = match doing {
        FlowDoing::Create => Arc::from(message.id.as_str()),
        FlowDoing::Update => Arc::from(callback.as_str()),
    };
    let channel = message.channel.clone();
    let reply = Outcome { id: message.id.clone(), status: MessageStatus::Pending };
    let left: Vec<Processor> = flow.processors.as_slice().to_vec();
    let told = status(&message, doing, MessageStatus::Pending, now);
    let work = FlowWork { doing, message, left, callback, step: FlowStep::Ready };
    Decision::reply(reply)
        .guards([facts.instance.guard(), facts.channel.guard(), facts.caller.membership.guard()])
        .append(Append {
            stream: keys::flow_queue(&channel),
            id,
            at: now,
            record: Record::of(work),
            keep: Keep::Yes,
        })
        .change(
            Task::new(
                TaskKind::RunFlow,
                now + LOOK_AFTER.min(settings.callback_timeout),
                [channel.to_string()],
            )
            .schedule(),
        )
        .announce(told)
}

/// Tells the sender how far a message has got.
fn status(
    message: &Message,
    doing: FlowDoing,
    status: MessageStatus,
    at: Timestamp,
) -> crate::ports::Announce {
    ChannelEvent::MessageStatus(message.clone(), Place { seq: 0, at }, doing, status).announce()
}

/// Replaces a work of the queue by what it has become.
pub(super) fn replace(entry: &Entry, work: &FlowWork, next: FlowWork) -> Decision<()> {
    Decision::reply(()).change(Change::Replace {
        stream: keys::flow_queue(&work.message.channel),
        id: Arc::clone(&entry.id),
        was: Some(Record::of(work.clone())),
        record: Record::of(next),
    })
}

/// Takes a work out of the queue, once: whoever comes second meets a conflict.
fn done(entry: &Entry, work: &FlowWork) -> Decision<()> {
    let stream = keys::flow_queue(&work.message.channel);
    replace(entry, work, work.clone()).change(Change::Remove { stream, id: Arc::clone(&entry.id) })
}

/// The work without the processor whose turn it was; `None` when that was the last.
pub(super) fn passed(work: &FlowWork, callback: CallbackId) -> Option<FlowWork> {
    let left: Vec<_> = work.left.iter().skip(1).cloned().collect();
    (!left.is_empty()).then(|| FlowWork { left, callback, step: FlowStep::Ready, ..work.clone() })
}

/// What is there to release a message into.
pub(super) struct Destination {
    /// The channel.
    pub(super) channel: Loaded<Channel>,
    /// The message of that id that the channel has already.
    pub(super) message: Option<Sent>,
}

/// Lets a message into its channel.
///
/// `work` is what the queue holds, `released` what has become of it.
pub(super) fn release(
    entry: &Entry,
    work: &FlowWork,
    released: &FlowWork,
    to: &Destination,
    now: Timestamp,
) -> Decision<()> {
    let decision = done(entry, work).guard(to.channel.guard());
    let message = &released.message;
    if !to.channel.exists() {
        return decision;
    }
    match (work.doing, &to.message) {
        // A repeat of what was sent already.
        (FlowDoing::Create, Some(_)) => decision,
        (FlowDoing::Create, None) => decision.changes(enter(message.clone(), now)),
        (FlowDoing::Update, Some(sent)) if !sent.message.redacted => {
            let mut edited = message.clone();
            edited.edited = Some(now);
            edited.updated = Some(now);
            decision
                .change(Change::Replace {
                    stream: keys::messages_of(message),
                    id: Arc::from(message.id.as_str()),
                    was: Some(Record::of(Message::clone(&sent.message))),
                    record: Record::of(edited.clone()),
                })
                .announce(ChannelEvent::MessageUpdated(edited, sent.stamp.into()).announce())
        }
        (FlowDoing::Update, _) => {
            decision.announce(status(message, FlowDoing::Update, MessageStatus::Failed, now))
        }
    }
}

/// Ends a message whose processor could not be reached.
pub(super) fn fail(entry: &Entry, work: &FlowWork, now: Timestamp) -> Decision<()> {
    let message = &work.message;
    let decision = done(entry, work).announce(status(message, work.doing, MessageStatus::Failed, now));
    if work.doing == FlowDoing::Update {
        return decision;
    }
    let until = now + Duration::from_secs(FAILED_MESSAGE_HOURS * 3600);
    let subject = [message.channel.to_string(), message.id.to_string()];
    let failed = FailedMessage { message: message.clone(), at: now, until };
    decision
        .change(Change::Put(keys::failed_message(&message.channel, &message.id), Record::of(failed)))
        .change(Task::new(TaskKind::ForgetFailedMessage, until, subject).schedule())
}

/// Ends a message that its processor denied.
pub(super) fn deny(entry: &Entry, work: &FlowWork, now: Timestamp) -> Decision<()> {
    done(entry, work).announce(status(&work.message, work.doing, MessageStatus::Denied, now))
}

/// Takes a message out of the queue that was deleted on its way. Its sender is told that it does not arrive.
pub(super) fn withdraw(entry: &Entry, work: &FlowWork, now: Timestamp) -> Decision<Option<MessageStatus>> {
    let Decision { batch, .. } = deny(entry, work, now);
    Decision { reply: Some(MessageStatus::Pending), batch }
}

/// Forgets a message that failed.
pub(super) fn forget(failed: &Loaded<FailedMessage>) -> Decision<Option<MessageStatus>> {
    Decision::reply(Some(MessageStatus::Failed))
        .guard(failed.guard())
        .change(Change::Delete(failed.key().clone()))
}

/// The work as its processor calls back.
pub(super) fn changed(work: &FlowWork, callback: &ChannelFlowCallback) -> Result<FlowWork, Refusal> {
    if work.message.id != callback.message {
        return Err(Refusal::bad_request("W-17", "MessageId is not that of the message of this CallbackId."));
    }
    let elsewhere = |given: &SubChannelId| work.message.sub_channel.as_ref() != Some(given);
    if callback.sub_channel.as_ref().is_some_and(elsewhere) {
        return Err(Refusal::bad_request(
            "W-17",
            "SubChannelId is not that of the message of this CallbackId.",
        ));
    }
    let mut work = work.clone();
    let message = &mut work.message;
    message.content = callback.content.clone().or(message.content.take());
    message.metadata = callback.metadata.clone().or(message.metadata.take());
    let content_type = callback.content_type.clone().or(message.content_type.take());
    message.content_type = content_type.filter(|given| !given.is_empty());
    if let Some(attributes) = &callback.attributes {
        message.attributes.clone_from(attributes);
    }
    message.push = callback.push.clone().or(message.push.take());
    Ok(work)
}

/// The refusal of a callback for which nothing waits.
pub(super) fn nothing_waits() -> Refusal {
    Refusal::conflict("T-08", "No message waits for this CallbackId: it was used already, or came too late.")
}
