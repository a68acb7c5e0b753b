//! Telling a bot, and sending what it answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::reply;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ServiceError, StoreError};
use crate::flow::{Chime, Task, TaskKind, hex, load};
use crate::identity::{AppInstanceBot, keys as identity_keys};
use crate::ids::MessageId;
use crate::messaging::keys;
use crate::messaging::types::{MessageStatus, Persistence};
use crate::ports::{Batch, Change, Entity, LexError, Utterance};
use crate::text::{Content, Private};
use crate::time::Timestamp;

/// How long a bot that could not be reached is left alone.
const RETRY: Duration = Duration::from_secs(5);
/// How long it is tried.
const GIVE_UP: Duration = Duration::from_secs(60);

/// A message that a bot is being told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BotWork {
    pub(super) channel: ChannelArn,
    pub(super) message: MessageId,
    pub(super) sender: AppInstanceUserArn,
    pub(super) bot: AppInstanceUserArn,
    pub(super) text: Option<Content>,
    /// It was for the bot alone, and so is the answer for its sender.
    pub(super) targeted: bool,
    pub(super) persistence: Persistence,
    /// When the message was sent.
    pub(super) began: Timestamp,
}

impl Entity for BotWork {
    const NAME: &'static str = "bot-work";
}

impl BotWork {
    /// The name of the conversation: no ARN fits into one.
    fn session(&self) -> String {
        hex(&Sha256::digest(format!("{}\n{}", self.channel, self.sender)))
    }
}

/// Tells a bot a message, and sends its answer.
pub(crate) async fn run(chime: &Chime, task: &Task) -> Result<Option<Task>, ServiceError> {
    let [channel, id, bot] = task.subject.as_slice() else { return Ok(None) };
    let (Ok(channel), Ok(id), Ok(bot)) =
        (ChannelArn::parse(channel), MessageId::new(id), AppInstanceUserArn::parse(bot))
    else {
        return Ok(None);
    };
    let found = load::<BotWork>(chime.store(), keys::bot_work(&channel, &id, &bot)).await?;
    let Some(work) = found.get() else { return Ok(None) };
    let behind = load::<AppInstanceBot>(chime.store(), identity_keys::bot(&bot)).await?;
    if let Some(behind) = behind.get() {
        let session = work.session();
        let command = match chime.lex().recognize_text(utterance(work, behind, session.clone())).await {
            Ok(answered) => reply::answer(work, &session, &answered),
            Err(LexError::Refused { code, .. }) => reply::failure(work, Some(code)),
            Err(LexError::Unreachable(_)) if chime.now() < work.began + GIVE_UP => {
                return Ok(Some(Task::new(TaskKind::AskBot, chime.now() + RETRY, task.subject.clone())));
            }
            Err(LexError::Unreachable(_)) => reply::failure(work, None),
        };
        if let Some(command) = command {
            match chime.messaging(&bot).send_channel_message(command).await {
                Ok(sent) if sent.status == MessageStatus::Pending => {
                    chime.advance_flow(&channel).await?;
                }
                // It was removed from the channel meanwhile, or has answered before a crash.
                Ok(_) | Err(ServiceError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    let changes = vec![Change::Delete(found.key().clone())];
    match chime.store().commit(Batch { guards: vec![found.guard()], changes, announce: Vec::new() }).await {
        // The lease ran out and another has done it.
        Ok(_) | Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn utterance(work: &BotWork, behind: &AppInstanceBot, session: String) -> Utterance {
    let text = work.text.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default();
    let attributes =
        [("CHIME.channel.arn", work.channel.as_str()), ("CHIME.sender.arn", work.sender.as_str())];
    Utterance {
        alias: behind.configuration.alias.clone(),
        locale: behind.configuration.locale.clone(),
        session,
        text: Private(text),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}
