//! The answer of a Lex bot as a message of a channel.

use serde::Serialize;

use super::work::BotWork;
use crate::error::ErrorCode;
use crate::ids::ClientRequestToken;
use crate::messaging::types::{MessageAttributes, SendChannelMessage};
use crate::ports::{LexMessage, LexReply};
use crate::text::Content;

/// Media type of an answer.
const MESSAGES: &str = "application/amz-chime-lex-msgs";
/// Media type of a failure.
const ERROR: &str = "application/amz-chime-lex-error";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Messages<'a> {
    messages: &'a [LexMessage],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure<'a> {
    code: &'a str,
}

/// What the bot sends for an answer.
pub(super) fn answer(work: &BotWork, session: &str, reply: &LexReply) -> Option<SendChannelMessage> {
    let named = |name: &str| format!("CHIME.LEX.sessionState.{name}");
    let session = reply.session.as_deref().unwrap_or(session);
    let attributes = [
        ("intent.name", reply.intent.as_deref()),
        ("intent.state", reply.state.as_deref()),
        ("originatingRequestId", Some(work.message.as_str())),
        ("sessionId", Some(session)),
    ];
    let attributes =
        attributes.into_iter().filter_map(|(name, value)| Some((named(name), vec![value?.into()])));
    message(work, content(&reply.messages)?, MESSAGES, attributes.collect())
}

/// What it sends when there is none.
pub(super) fn failure(work: &BotWork, code: Option<ErrorCode>) -> Option<SendChannelMessage> {
    let code = code.map_or_else(|| "ServiceUnavailable".to_owned(), |code| format!("{code:?}"));
    let content = Content::new(serde_json::to_string(&Failure { code: &code }).ok()?).ok()?;
    message(work, content, ERROR, MessageAttributes::new())
}

/// As many of the messages as fit.
fn content(messages: &[LexMessage]) -> Option<Content> {
    (0..=messages.len()).rev().find_map(|most| {
        let text = serde_json::to_string(&Messages { messages: messages.get(..most)? }).ok()?;
        Content::new(text).ok()
    })
}

fn message(
    work: &BotWork,
    content: Content,
    content_type: &str,
    attributes: MessageAttributes,
) -> Option<SendChannelMessage> {
    let mut command = SendChannelMessage::new(work.channel.clone(), content);
    command.persistence = work.persistence;
    command.content_type = Some(content_type.into());
    command.attributes = attributes;
    command.target = work.targeted.then(|| work.sender.clone());
    command.client_request_token = Some(ClientRequestToken::new(work.message.as_str()).ok()?);
    Some(command)
}
