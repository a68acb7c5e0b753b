//! Messages.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Messaging;
use crate::access::Action;
use crate::arn::ChannelArn;
use crate::error::{Refusal, ServiceError};
use crate::flow::{Claim, Decision, Loaded, Token, fingerprint, hex, load};
use crate::identity::retention_rules;
use crate::ids::{ClientRequestToken, MessageId};
use crate::messaging::facts::{ChannelFacts, Missing};
use crate::messaging::keys;
use crate::messaging::rules::messages;
use crate::messaging::types::{
    ListChannelMessages, Message, Persistence, SendChannelMessage, Sent, UpdateChannelMessage,
};
use crate::page::Page;
use crate::ports::{EntryQuery, Key};
use crate::time::Timestamp;

fn token_used() -> Refusal {
    Refusal::conflict("T-06", "The ClientRequestToken was used with other parameters.")
        .unless("use a new token, or repeat the request as it was.")
}

impl Messaging<'_> {
    /// `SendChannelMessage` (rules MSG-01 to MSG-09, MSG-16).
    ///
    /// # Errors
    ///
    /// A bad request for content or metadata that the type does not allow; Forbidden to all but DEFAULT members; a
    /// conflict when the token was used with other parameters.
    pub async fn send_channel_message(&self, command: SendChannelMessage) -> Result<MessageId, ServiceError> {
        messages::check(command.kind, Some(&command.content), command.metadata.as_ref())?;
        let id = self.message_id(&command.channel, command.client_request_token.as_ref())?;
        let print = fingerprint(&command);
        if command.persistence == Persistence::NonPersistent {
            return self.send_without_keeping(&command, &id, &print).await;
        }
        let (command, id, print) = (&command, &id, &print);
        self.chime
            .transact(|attempt| async move {
                let facts = self.facts(&command.channel, &[]).await?;
                let decision = messages::send(&facts, command, id, print, self.settings(), self.chime.now())?;
                let Some(token) = &command.client_request_token else { return Ok(decision) };
                let key = self.token_key(&command.channel, token);
                // The commit refuses an id or a token that is taken, so only a second attempt needs to look for an
                // earlier message.
                if attempt == 0 {
                    return Ok(decision.guard(Loaded::<Token>::absent(key).guard()));
                }
                if let Some(earlier) = self.earlier(&command.channel, id).await? {
                    return if *earlier.fingerprint == *print {
                        Ok(Decision::reply(id.clone()))
                    } else {
                        Err(token_used().into())
                    };
                }
                let found = load::<Token>(self.chime.store(), key).await?;
                let guard = found.guard();
                Claim::new(found, print.clone()).replay(self.chime.now())?;
                Ok(decision.guard(guard))
            })
            .await
    }

    /// The record of a token that a message which is not kept has used.
    fn token_key(&self, channel: &ChannelArn, token: &ClientRequestToken) -> Key {
        Claim::key(&["SendChannelMessage", channel.as_str(), self.bearer.as_str()], token)
    }

    async fn earlier(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<Arc<Message>>, ServiceError> {
        let found = self.chime.store().entry(&keys::messages(channel), &Arc::from(id.as_str())).await?;
        Ok(found.map(|entry| entry.record.read::<Message>()).transpose()?)
    }

    /// A message that is not kept leaves no entry to find, so its token is remembered in a record.
    async fn send_without_keeping(
        &self,
        command: &SendChannelMessage,
        id: &MessageId,
        print: &str,
    ) -> Result<MessageId, ServiceError> {
        self.chime
            .transact(|attempt| async move {
                let now = self.chime.now();
                let facts = self.facts(&command.channel, &[]).await?;
                let decision = messages::send(&facts, command, id, print, self.settings(), now)?;
                let Some(token) = &command.client_request_token else { return Ok(decision) };
                if attempt > 0 && self.earlier(&command.channel, id).await?.is_some() {
                    return Err(token_used().into());
                }
                let key = self.token_key(&command.channel, token);
                let found = load::<Token>(self.chime.store(), key).await?;
                let claim = Claim::new(found, print.to_owned());
                if claim.replay(now)?.is_some() {
                    return Ok(Decision::reply(id.clone()));
                }
                let (guard, changes) = claim.take(id.as_str(), now);
                Ok(decision.guard(guard).changes(changes))
            })
            .await
    }

    fn message_id(
        &self,
        channel: &ChannelArn,
        token: Option<&ClientRequestToken>,
    ) -> Result<MessageId, Refusal> {
        let mut digest = [0; 16];
        match token {
            Some(token) => {
                // HMAC takes keys of every length, so there is no error to meet here.
                if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.chime.message_key()) {
                    for part in [channel.as_str(), self.bearer.as_str(), token.as_str()] {
                        mac.update(&(part.len() as u64).to_be_bytes());
                        mac.update(part.as_bytes());
                    }
                    for (to, from) in digest.iter_mut().zip(mac.finalize().into_bytes()) {
                        *to = from;
                    }
                }
            }
            None => self.chime.entropy().fill(&mut digest),
        }
        MessageId::new(hex(&digest)).map_err(|error| error.of("MessageId"))
    }

    /// `GetChannelMessage` (rules MSG-07, RET-06).
    ///
    /// # Errors
    ///
    /// Forbidden by role; NotFound when there is no such message.
    pub async fn get_channel_message(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Sent, ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        facts.authorize(Action::GetChannelMessage, Missing::NotFound, self.settings())?;
        let found = self.message(&facts, channel, id).await?;
        Ok(found.ok_or_else(|| Refusal::not_found("E-06", "The channel has no message of this id."))?)
    }

    /// `GetChannelMessageStatus`: that of a message of one's own. A message that is kept was sent.
    ///
    /// # Errors
    ///
    /// Forbidden but for the sender; a message that is not there is Forbidden too.
    pub async fn get_channel_message_status(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<(), ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        facts.authorize(Action::GetChannelMessage, Missing::Forbidden, self.settings())?;
        let found = self.message(&facts, channel, id).await?;
        let own = found.is_some_and(|sent| sent.message.sender.arn == *self.bearer);
        if own {
            return Ok(());
        }
        Err(Refusal::forbidden("E-06", "The message does not exist or is not the caller's own.")
            .unless("act as the sender of the message.")
            .into())
    }

    async fn message(
        &self,
        facts: &ChannelFacts,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<Sent>, ServiceError> {
        let entry = self.chime.store().entry(&keys::messages(channel), &Arc::from(id.as_str())).await?;
        Ok(messages::shown(facts, entry, self.chime.now())?)
    }

    /// `UpdateChannelMessage` (rules MSG-10, AUTH-18).
    ///
    /// # Errors
    ///
    /// Forbidden but for the sender; a conflict when it was redacted.
    pub async fn update_channel_message(
        &self,
        command: UpdateChannelMessage,
    ) -> Result<MessageId, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(&command.channel, &[]).await?;
                let found = self.message(&facts, &command.channel, &command.id).await?;
                Ok(messages::update(&facts, found.as_ref(), &command, self.settings(), self.chime.now())?)
            })
            .await
    }

    /// `RedactChannelMessage` (rules MSG-11, MSG-12).
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators and moderators.
    pub async fn redact_channel_message(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<MessageId, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(channel, &[]).await?;
                let found = self.message(&facts, channel, id).await?;
                Ok(messages::redact(&facts, found.as_ref(), self.settings(), self.chime.now())?)
            })
            .await
    }

    /// `DeleteChannelMessage` (rule MSG-13).
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators.
    pub async fn delete_channel_message(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(channel, &[]).await?;
                let found = self.message(&facts, channel, id).await?;
                Ok(messages::delete(&facts, found.as_ref(), self.settings(), self.chime.now())?)
            })
            .await
    }

    /// `ListChannelMessages` (rules MSG-14, MSG-15).
    ///
    /// # Errors
    ///
    /// Forbidden by role; a bad request when the page is not valid.
    pub async fn list_channel_messages(
        &self,
        command: &ListChannelMessages,
    ) -> Result<Page<Sent>, ServiceError> {
        let facts = self.facts(&command.channel, &[]).await?;
        let size = command.page.size()?;
        facts.authorize(Action::ListChannelMessages, Missing::Forbidden, self.settings())?;
        let bounds = format!("{:?} {:?} {:?}", command.order, command.not_before, command.not_after);
        let listing = ["ListChannelMessages", command.channel.as_str(), self.bearer.as_str(), &bounds];
        let seal = self.chime.token_key();
        let behind = match &command.page.next_token {
            Some(token) => seal.open(&listing, token)?.parse().ok(),
            None => None,
        };
        let from = retention_rules::visible_from(facts.retention.get(), self.chime.now());
        let query = EntryQuery {
            stream: keys::messages(&command.channel),
            not_before: command.not_before.unwrap_or(Timestamp::MIN).max(from),
            not_after: command.not_after.unwrap_or(Timestamp::MAX),
            behind,
            order: command.order,
            limit: size + 1,
        };
        let mut found = self.chime.store().entries(query).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next =
            found.last().filter(|_| more).map(|entry| seal.seal(&listing, &entry.stamp.seq.to_string()));
        let items = found
            .into_iter()
            .map(|entry| Ok(Sent { message: entry.record.read()?, stamp: entry.stamp }))
            .collect::<Result<_, ServiceError>>()?;
        Ok(Page { items, next })
    }
}
