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
use crate::messaging::flows::{self, ChannelFlow, FlowDoing};
use crate::messaging::rules::messages;
use crate::messaging::types::{
    ListChannelMessages, Message, MessageStatus, MessageType, Outcome, Persistence, SendChannelMessage, Sent,
    UpdateChannelMessage,
};
use crate::messaging::{bots, keys};
use crate::page::Page;
use crate::ports::{EntryQuery, Key};
use crate::time::Timestamp;

fn token_used() -> Refusal {
    Refusal::conflict("T-06", "The ClientRequestToken was used with other parameters.")
        .unless("use a new token, or repeat the request as it was.")
}

impl Messaging<'_> {
    /// `SendChannelMessage` (rules MSG-01 to MSG-09, MSG-16). In a channel with a flow the message is PENDING then, and
    /// whoever took it calls [`Chime::advance_flow`](crate::Chime::advance_flow) next.
    ///
    /// # Errors
    ///
    /// A bad request for content or metadata that the type does not allow, or a target that is no member; Forbidden to
    /// all but DEFAULT members; a conflict when the token was used with other parameters.
    pub async fn send_channel_message(&self, command: SendChannelMessage) -> Result<Outcome, ServiceError> {
        messages::check(command.kind, Some(&command.content), command.metadata.as_ref())?;
        let id = self.message_id(&command.channel, command.client_request_token.as_ref())?;
        let print = fingerprint(&command);
        if command.persistence == Persistence::NonPersistent {
            return self.send_without_keeping(&command, &id, &print).await;
        }
        let (command, id, print) = (&command, &id, &print);
        self.chime
            .transact(|attempt| async move {
                let decision = self.accepted(command, id, print).await?;
                let Some(token) = &command.client_request_token else { return Ok(decision) };
                let key = self.token_key(&command.channel, token);
                // The commit refuses an id or a token that is taken, so only a second attempt needs to look for an
                // earlier message; one that goes through a flow changes its place, and is looked for at once.
                if attempt == 0 && decision.reply.status == MessageStatus::Sent {
                    return Ok(decision.guard(Loaded::<Token>::absent(key).guard()));
                }
                if let Some((earlier, status)) = self.earlier(&command.channel, id).await? {
                    return if *earlier.fingerprint == **print {
                        Ok(Decision::reply(Outcome { id: id.clone(), status }))
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

    /// Decides on a message: into the channel, or into the queue of its flow.
    async fn accepted(
        &self,
        command: &SendChannelMessage,
        id: &MessageId,
        print: &str,
    ) -> Result<Decision<Outcome>, ServiceError> {
        let facts = self.facts(&command.channel, command.target.as_slice()).await?;
        let message = messages::accept(&facts, self.sub_channel, command, id, print, self.settings())?;
        Ok(match self.flow_of(&facts, message.kind).await? {
            Some(flow) => self.enqueue(&facts, &flow, FlowDoing::Create, message)?,
            None => {
                let told = bots::begin(self.chime, &message).await?;
                messages::send(&facts, message, self.chime.now()).changes(told)
            }
        })
    }

    /// The flow that a message of this type has to go through.
    async fn flow_of(
        &self,
        facts: &ChannelFacts,
        kind: MessageType,
    ) -> Result<Option<Arc<ChannelFlow>>, ServiceError> {
        let flow = facts.channel.get().and_then(|channel| channel.flow.as_ref());
        let Some(flow) = flow.filter(|_| kind == MessageType::Standard) else { return Ok(None) };
        Ok(load::<ChannelFlow>(self.chime.store(), keys::flow(flow)).await?.shared())
    }

    fn enqueue(
        &self,
        facts: &ChannelFacts,
        flow: &ChannelFlow,
        doing: FlowDoing,
        message: Message,
    ) -> Result<Decision<Outcome>, Refusal> {
        Ok(flows::enqueue(
            facts,
            flow,
            doing,
            message,
            self.chime.new_callback()?,
            self.settings(),
            self.chime.now(),
        ))
    }

    /// The record of a token that a message which is not kept has used.
    fn token_key(&self, channel: &ChannelArn, token: &ClientRequestToken) -> Key {
        Claim::key(&["SendChannelMessage", channel.as_str(), self.bearer.as_str()], token)
    }

    /// The message of that id, wherever it is. What goes through a flow is looked for there first, and then where it
    /// goes to, so that it is not missed on its way.
    async fn earlier(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<(Arc<Message>, MessageStatus)>, ServiceError> {
        if let Some(sent) = self.under_way(channel, id).await? {
            return Ok(Some((sent.message, sent.status)));
        }
        let facts = self.facts(channel, &[]).await?;
        let stream = keys::messages_in(channel, facts.sub_channel(self.sub_channel)?.as_ref());
        let found = self.chime.store().entry(&stream, &Arc::from(id.as_str())).await?;
        let found = found.map(|entry| entry.record.read::<Message>()).transpose()?;
        Ok(found.map(|message| (message, MessageStatus::Sent)))
    }

    /// A message that is not kept leaves no entry to find, so its token is remembered in a record.
    async fn send_without_keeping(
        &self,
        command: &SendChannelMessage,
        id: &MessageId,
        print: &str,
    ) -> Result<Outcome, ServiceError> {
        self.chime
            .transact(|attempt| async move {
                let now = self.chime.now();
                let decision = self.accepted(command, id, print).await?;
                let Some(token) = &command.client_request_token else { return Ok(decision) };
                let key = self.token_key(&command.channel, token);
                let found = load::<Token>(self.chime.store(), key).await?;
                let claim = Claim::new(found, print.to_owned());
                if claim.replay(now)?.is_some() {
                    let under_way = self.under_way(&command.channel, id).await?;
                    let status = under_way.map_or(MessageStatus::Sent, |sent| sent.status);
                    return Ok(Decision::reply(Outcome { id: id.clone(), status }));
                }
                if attempt > 0 && self.earlier(&command.channel, id).await?.is_some() {
                    return Err(token_used().into());
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
        let found = match self.readable(&facts, channel, id).await? {
            Some(sent) => Some(sent).filter(|sent| sent.message.is_for(self.bearer)),
            None => self.under_way(channel, id).await?,
        };
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
    ) -> Result<MessageStatus, ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        facts.authorize(Action::GetChannelMessage, Missing::Forbidden, self.settings())?;
        let found = match self.under_way(channel, id).await? {
            Some(sent) => Some(sent),
            None => self.readable(&facts, channel, id).await?,
        };
        let own = found.filter(|sent| sent.message.sender.arn == *self.bearer);
        Ok(own.map(|sent| sent.status).ok_or_else(|| {
            Refusal::forbidden("E-06", "The message does not exist or is not the caller's own.")
                .unless("act as the sender of the message.")
        })?)
    }

    /// The message of that id, to read it.
    async fn readable(
        &self,
        facts: &ChannelFacts,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<Sent>, ServiceError> {
        let sub_channel = facts.sub_channel_to_read(self.sub_channel)?;
        self.shown(facts, keys::messages_in(channel, sub_channel.as_ref()), id).await
    }

    /// The message of that id, to change it.
    async fn message(
        &self,
        facts: &ChannelFacts,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<Sent>, ServiceError> {
        let sub_channel = facts.sub_channel(self.sub_channel)?;
        self.shown(facts, keys::messages_in(channel, sub_channel.as_ref()), id).await
    }

    async fn shown(
        &self,
        facts: &ChannelFacts,
        stream: Key,
        id: &MessageId,
    ) -> Result<Option<Sent>, ServiceError> {
        let entry = self.chime.store().entry(&stream, &Arc::from(id.as_str())).await?;
        Ok(messages::shown(facts, entry, self.chime.now())?)
    }

    /// `UpdateChannelMessage` (rules MSG-10, AUTH-18). In a channel with a flow the edit is PENDING then.
    ///
    /// # Errors
    ///
    /// Forbidden but for the sender; a conflict when it was redacted.
    pub async fn update_channel_message(
        &self,
        command: UpdateChannelMessage,
    ) -> Result<Outcome, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(&command.channel, &[]).await?;
                let found = self.message(&facts, &command.channel, &command.id).await?;
                let sent = messages::editable(&facts, found.as_ref(), &command, self.settings())?;
                match self.flow_of(&facts, sent.message.kind).await? {
                    Some(flow) => {
                        let edited = messages::edited(&sent.message, &command);
                        Ok(self.enqueue(&facts, &flow, FlowDoing::Update, edited)?)
                    }
                    None => Ok(messages::update(&facts, sent, &command, self.chime.now())),
                }
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

    /// `DeleteChannelMessage` (rule MSG-13): gives what the message was, `None` when it was gone already (wire rule
    /// T-09). After one that was PENDING, [`Chime::advance_flow`](crate::Chime::advance_flow) takes the next.
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators.
    pub async fn delete_channel_message(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<MessageStatus>, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(channel, &[]).await?;
                let sub_channel = facts.sub_channel(self.sub_channel)?;
                facts.authorize(Action::DeleteChannelMessage, Missing::Forbidden, self.settings())?;
                // A flow moves messages into the channel, so that looked for in this order none is missed on its way.
                if let Some(decision) = self.withdraw(channel, sub_channel.as_ref(), id).await? {
                    return Ok(decision.guards(facts.guards()));
                }
                // Retention may hide it and show it again, so what is hidden is deleted too.
                let stream = keys::messages_in(channel, sub_channel.as_ref());
                let Some(entry) = self.chime.store().entry(&stream, &Arc::from(id.as_str())).await? else {
                    return Ok(Decision::reply(None));
                };
                let sent = Sent::new(entry.record.read()?, entry.stamp);
                Ok(messages::delete(&facts, &sent, self.chime.now()))
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
        let sub_channel = facts.sub_channel_to_read(self.sub_channel)?;
        let bounds =
            format!("{:?} {:?} {:?} {sub_channel:?}", command.order, command.not_before, command.not_after);
        let listing = ["ListChannelMessages", command.channel.as_str(), self.bearer.as_str(), &bounds];
        let seal = self.chime.token_key();
        let behind = match &command.page.next_token {
            Some(token) => seal.open(&listing, token)?.parse().ok(),
            None => None,
        };
        let from = retention_rules::visible_from(facts.retention.get(), self.chime.now());
        let query = EntryQuery {
            stream: keys::messages_in(&command.channel, sub_channel.as_ref()),
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
            .map(|entry| Ok(Sent::new(entry.record.read()?, entry.stamp)))
            // A page may be short where messages are targeted at others (wire rule P-05).
            .filter(|sent| sent.as_ref().map_or(true, |sent: &Sent| sent.message.is_for(self.bearer)))
            .collect::<Result<_, ServiceError>>()?;
        Ok(Page { items, next })
    }
}
