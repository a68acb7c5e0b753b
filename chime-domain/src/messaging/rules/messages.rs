//! Sending, editing, redacting, deleting messages.

use std::sync::Arc;

use crate::access::{Action, decide};
use crate::error::{Refusal, StoreError};
use crate::flow::{Decision, Settings};
use crate::identity::retention_rules;
use crate::ids::{MessageId, SubChannelId};
use crate::limits::CONTROL_CONTENT_BYTES;
use crate::messaging::events::ChannelEvent;
use crate::messaging::facts::{ChannelFacts, Missing};
use crate::messaging::types::{
    LastTargeted, Message, MessageStatus, MessageType, Outcome, Persistence, SendChannelMessage, Sent,
    UpdateChannelMessage,
};
use crate::messaging::{keys, push};
use crate::ports::{Append, Change, Entry, Keep, Record};
use crate::text::{Content, Metadata};
use crate::time::Timestamp;

/// What a type of message allows (rules MSG-02 to MSG-05).
pub(in crate::messaging) fn check(
    kind: MessageType,
    content: Option<&Content>,
    metadata: Option<&Metadata>,
) -> Result<(), Refusal> {
    if kind == MessageType::Standard {
        return Ok(());
    }
    if let Some(content) = content.filter(|content| content.as_str().len() > CONTROL_CONTENT_BYTES) {
        let bytes = content.as_str().len();
        let message = format!("The content of a CONTROL message has {bytes} bytes, more than 30.");
        return Err(Refusal::bad_request("MSG-04", message)
            .unless("send at most 30 bytes of UTF-8, or a STANDARD message."));
    }
    if metadata.is_some_and(|metadata| !metadata.as_str().is_empty()) {
        return Err(Refusal::bad_request("MSG-05", "A CONTROL message carries no metadata.")
            .unless("leave Metadata out, or send a STANDARD message."));
    }
    Ok(())
}

/// The message that a caller may send (rules MSG-01 to MSG-09, MSG-16).
pub(in crate::messaging) fn accept(
    facts: &ChannelFacts,
    sub_channel: Option<&SubChannelId>,
    command: &SendChannelMessage,
    id: &MessageId,
    fingerprint: &str,
    settings: &Settings,
) -> Result<Message, Refusal> {
    let channel = facts.authorize(Action::SendChannelMessage, Missing::Forbidden, settings)?;
    if let Some(target) = facts.targets.first().filter(|target| !target.membership.exists()) {
        let member = if target.identity().is_ok() { "a member of the channel" } else { "a user" };
        return Err(Refusal::bad_request("W-17", format!("The MemberArn of Target is not {member}."))
            .unless("name a member of the channel."));
    }
    let sub_channel = facts.sub_channel(sub_channel)?;
    let own = facts.caller.membership.get();
    if sub_channel.as_ref().is_some_and(|id| own.is_none_or(|own| !own.sub_channels.contains(id))) {
        return Err(Refusal::forbidden("E-06", "The caller is not a member of the sub-channel."));
    }
    if let (Some(id), Some(target)) = (&sub_channel, facts.targets.first()) {
        let there = target.membership.get().is_some_and(|target| target.sub_channels.contains(id));
        if !there {
            let message = "The MemberArn of Target is not a member of the sub-channel.";
            return Err(Refusal::bad_request("W-17", message).unless("name a member of the sub-channel."));
        }
    }
    Ok(Message {
        channel: channel.arn.clone(),
        sub_channel,
        id: id.clone(),
        sender: facts.caller.identity()?,
        kind: command.kind,
        persistence: command.persistence,
        content: Some(command.content.clone()),
        metadata: command.metadata.clone(),
        edited: None,
        updated: None,
        redacted: false,
        content_type: command.content_type.clone().filter(|given| !given.is_empty()),
        attributes: command.attributes.clone(),
        target: command.target.clone(),
        push: command.push.clone(),
        fingerprint: Arc::from(fingerprint),
    })
}

/// `SendChannelMessage` of an accepted message into a channel without a flow.
pub(in crate::messaging) fn send(
    facts: &ChannelFacts,
    message: Message,
    now: Timestamp,
) -> Decision<Outcome> {
    Decision::reply(Outcome { id: message.id.clone(), status: MessageStatus::Sent })
        .guards([facts.instance.guard(), facts.channel.guard(), facts.caller.membership.guard()])
        .guards(facts.targets.first().map(|target| target.membership.guard()))
        .changes(enter(message, now))
}

/// Lets a message into its channel, and remembers a targeted one for the two who see it (rule CHN-20).
pub(in crate::messaging) fn enter(message: Message, now: Timestamp) -> Vec<Change> {
    let mut changes = push::begin(&message, now);
    let keep = match (message.persistence, &message.target) {
        (Persistence::NonPersistent, _) => Keep::No,
        (Persistence::Persistent, None) => Keep::Yes,
        (Persistence::Persistent, Some(target)) => {
            for user in [&message.sender.arn, target] {
                let key = keys::last_targeted(&message.channel, user);
                changes.push(Change::Put(key, Record::of(LastTargeted(now))));
            }
            Keep::Aside
        }
    };
    changes.push(Change::Append(Append {
        stream: keys::messages_of(&message),
        id: Arc::from(message.id.as_str()),
        at: now,
        record: Record::of(message),
        keep,
    }));
    changes
}

/// The message of an entry, if it is still to be shown (rules RET-03, RET-06).
pub(in crate::messaging) fn shown(
    facts: &ChannelFacts,
    entry: Option<Entry>,
    now: Timestamp,
) -> Result<Option<Sent>, StoreError> {
    let from = retention_rules::visible_from(facts.retention.get(), now);
    let Some(entry) = entry.filter(|entry| entry.stamp.at >= from) else { return Ok(None) };
    Ok(Some(Sent::new(entry.record.read()?, entry.stamp)))
}

/// The refusal of a message that is not there, in operations whose model does not know NotFound.
fn hidden() -> Refusal {
    Refusal::forbidden("E-06", "The message does not exist or is not visible to the caller.")
}

/// Admits the caller to act on a message.
fn on_message<'a>(
    facts: &ChannelFacts,
    action: Action,
    found: Option<&'a Sent>,
    settings: &Settings,
) -> Result<&'a Sent, Refusal> {
    // Only who sees a targeted message can act on it.
    let found = found.filter(|sent| sent.message.is_for(&facts.caller.arn));
    facts.admit_to(action, Missing::Forbidden, settings)?;
    let mut situation = facts.situation(settings);
    situation.own_message = found.is_none_or(|sent| sent.message.sender.arn == facts.caller.arn);
    decide(action, &situation).enforce()?;
    found.ok_or_else(hidden)
}

/// The message that a caller may edit (rules MSG-10, AUTH-18).
pub(in crate::messaging) fn editable<'a>(
    facts: &ChannelFacts,
    found: Option<&'a Sent>,
    command: &UpdateChannelMessage,
    settings: &Settings,
) -> Result<&'a Sent, Refusal> {
    let sent = on_message(facts, Action::UpdateChannelMessage, found, settings)?;
    if sent.message.redacted {
        return Err(Refusal::conflict("MSG-11", "The message was redacted.").unless("send a new message."));
    }
    check(sent.message.kind, command.content.as_ref(), command.metadata.as_ref())?;
    Ok(sent)
}

/// The message with an edit put in.
pub(in crate::messaging) fn edited(message: &Message, command: &UpdateChannelMessage) -> Message {
    let mut message = message.clone();
    message.content = command.content.clone().or(message.content);
    message.metadata = command.metadata.clone().or(message.metadata);
    let content_type = command.content_type.clone().or(message.content_type);
    message.content_type = content_type.filter(|given| !given.is_empty());
    message
}

/// `UpdateChannelMessage` in a channel without a flow.
pub(in crate::messaging) fn update(
    facts: &ChannelFacts,
    sent: &Sent,
    command: &UpdateChannelMessage,
    now: Timestamp,
) -> Decision<Outcome> {
    let mut message = edited(&sent.message, command);
    message.edited = Some(now);
    message.updated = Some(now);
    let event = ChannelEvent::MessageUpdated(message.clone(), sent.stamp.into());
    let Decision { reply: id, batch } = replace(facts, sent, message);
    Decision { reply: Outcome { id, status: MessageStatus::Sent }, batch }.announce(event.announce())
}

/// `RedactChannelMessage` (rules MSG-11, MSG-12). Redacting twice changes nothing.
pub(in crate::messaging) fn redact(
    facts: &ChannelFacts,
    found: Option<&Sent>,
    settings: &Settings,
    now: Timestamp,
) -> Result<Decision<MessageId>, Refusal> {
    let sent = on_message(facts, Action::RedactChannelMessage, found, settings)?;
    if sent.message.redacted {
        return Ok(Decision::reply(sent.message.id.clone()));
    }
    let mut message = Message::clone(&sent.message);
    message.content = None;
    message.metadata = None;
    message.redacted = true;
    message.updated = Some(now);
    let event = ChannelEvent::MessageRedacted(message.clone(), sent.stamp.into());
    Ok(replace(facts, sent, message).announce(event.announce()))
}

fn replace(facts: &ChannelFacts, sent: &Sent, message: Message) -> Decision<MessageId> {
    Decision::reply(message.id.clone()).guards(facts.guards()).change(Change::Replace {
        stream: keys::messages_of(&message),
        id: Arc::from(message.id.as_str()),
        was: Some(Record::of(Message::clone(&sent.message))),
        record: Record::of(message),
    })
}

/// `DeleteChannelMessage` of a message that is in the channel (rule MSG-13); the caller's right to it was decided.
pub(in crate::messaging) fn delete(
    facts: &ChannelFacts,
    sent: &Sent,
    now: Timestamp,
) -> Decision<Option<MessageStatus>> {
    let mut message = Message::clone(&sent.message);
    message.content = None;
    message.metadata = None;
    message.updated = Some(now);
    let (stream, id): (_, Arc<str>) = (keys::messages_of(&message), Arc::from(message.id.as_str()));
    let as_read = Record::of(Message::clone(&sent.message));
    Decision::reply(Some(sent.status))
        .guards(facts.guards())
        // Fails when another has changed or deleted it since, so that it is announced once and as it was.
        .change(Change::Replace {
            stream: stream.clone(),
            id: Arc::clone(&id),
            was: Some(as_read.clone()),
            record: as_read,
        })
        .change(Change::Remove { stream, id })
        .announce(ChannelEvent::MessageDeleted(message, sent.stamp.into()).announce())
}
