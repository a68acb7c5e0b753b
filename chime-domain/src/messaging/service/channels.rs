//! Channels.

use super::Messaging;
use crate::access::Action;
use crate::arn::ChannelArn;
use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Claim, Decision, Token, fingerprint, load};
use crate::identity::{Expiration, Tombstone};
use crate::ids::ChannelId;
use crate::messaging::facts::{CallerFacts, Missing};
use crate::messaging::keys;
use crate::messaging::rules::channels;
use crate::messaging::types::{Channel, ChannelView, CreateChannel, UpdateChannel};

impl Messaging<'_> {
    /// `CreateChannel` (rules CHN-01 to CHN-08).
    ///
    /// # Errors
    ///
    /// A conflict when the id is taken or the token was used with other parameters; the quota's refusal.
    pub async fn create_channel(&self, command: CreateChannel) -> Result<ChannelArn, ServiceError> {
        channels::check(&command)?;
        let targets = channels::named(&command, self.bearer);
        let print = fingerprint(&command);
        let store = self.chime.store();
        self.chime
            .transact(|_| async {
                let now = self.chime.now();
                let claim = match &command.client_request_token {
                    Some(token) => {
                        let scope =
                            ["CreateChannel", command.app_instance.app_instance_id(), self.bearer.as_str()];
                        let claim =
                            Claim::new(load::<Token>(store, Claim::key(&scope, token)).await?, print.clone());
                        let earlier = claim.created().and_then(|arn| ChannelArn::parse(arn).ok());
                        let gone = match earlier {
                            Some(arn) => !load::<Channel>(store, keys::channel(&arn)).await?.exists(),
                            None => true,
                        };
                        Some(claim.freed(gone))
                    }
                    None => None,
                };
                if let Some(arn) = claim.as_ref().map(|claim| claim.replay(now)).transpose()?.flatten() {
                    // The bearer counts before what it created (wire rule E-07).
                    CallerFacts::load(store, &command.app_instance, self.bearer).await?;
                    return Ok(Decision::reply(
                        ChannelArn::parse(arn).map_err(|error| error.of("ChannelArn"))?,
                    ));
                }
                let id = match &command.id {
                    Some(id) => id.clone(),
                    None => {
                        ChannelId::new(self.chime.entropy().uuid()).map_err(|error| error.of("ChannelId"))?
                    }
                };
                let arn = command.app_instance.channel(&id);
                let facts = self.facts(&arn, &targets).await?;
                let leaving = load::<Tombstone>(store, keys::deleted_channel(&arn)).await?;
                let decision = channels::create(&facts, &leaving, &command, &arn, self.settings(), now)?;
                Ok(match claim {
                    Some(claim) => {
                        let (guard, changes) = claim.take(arn.as_str(), now);
                        decision.guard(guard).changes(changes)
                    }
                    None => decision,
                })
            })
            .await
    }

    /// `DescribeChannel` (rule ROLE-01).
    ///
    /// # Errors
    ///
    /// Forbidden when it is missing or not visible.
    pub async fn describe_channel(&self, arn: &ChannelArn) -> Result<ChannelView, ServiceError> {
        let facts = self.facts(arn, &[]).await?;
        facts.authorize(Action::DescribeChannel, Missing::Forbidden, self.settings())?;
        let channel = facts
            .channel
            .shared()
            .ok_or_else(|| Refusal::forbidden("E-06", "The channel does not exist."))?;
        let last = self.last_messages(std::slice::from_ref(arn)).await?;
        Ok(ChannelView { channel, last_message: last.into_iter().flatten().next() })
    }

    /// `UpdateChannel`.
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators and moderators.
    pub async fn update_channel(&self, command: UpdateChannel) -> Result<ChannelArn, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(&command.channel, &[]).await?;
                Ok(channels::update(&facts, &command, self.settings(), self.chime.now())?)
            })
            .await
    }

    /// `DeleteChannel` (rule CHN-17).
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators and moderators, and when it is missing.
    pub async fn delete_channel(&self, arn: &ChannelArn) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(arn, &[]).await?;
                Ok(channels::delete(&facts, self.settings(), self.chime.now())?)
            })
            .await
    }

    /// `PutChannelExpirationSettings`; `None` turns expiration off.
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators and moderators.
    pub async fn put_channel_expiration_settings(
        &self,
        arn: &ChannelArn,
        expiration: Option<Expiration>,
    ) -> Result<ChannelArn, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(arn, &[]).await?;
                let channel = facts.authorize(Action::UpdateChannel, Missing::Forbidden, self.settings())?;
                Ok(channels::expire(channel, &facts.channel, expiration, self.chime.now())
                    .guards(facts.guards()))
            })
            .await
    }
}

impl Chime {
    /// `PutChannelExpirationSettings` by the account itself, without a bearer.
    ///
    /// # Errors
    ///
    /// Forbidden when the channel is missing.
    pub async fn put_channel_expiration_settings(
        &self,
        arn: &ChannelArn,
        expiration: Option<Expiration>,
    ) -> Result<ChannelArn, ServiceError> {
        self.transact(|_| async {
            let found = load::<Channel>(self.store(), keys::channel(arn)).await?;
            let channel = found.get().filter(|channel| channel.arn == *arn);
            let channel = channel.ok_or_else(|| Refusal::forbidden("E-06", "The channel does not exist."))?;
            Ok(channels::expire(channel, &found, expiration, self.now()))
        })
        .await
    }
}
