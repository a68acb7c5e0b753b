//! Bots: participants of channels that answer through Lex.
//!
//! # Our choices
//!
//! - A bot is an app instance user as far as channels are concerned: it can be a member and a bearer. Users and bots
//!   share one space of ids, and an administrator, but none of the operations on
//!   users knows a bot.
//! - A bot without a name is known in channels by its id.
//!
//! What a bot is told, and how it answers, is in `messaging/bots`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys;
use super::service::{Identity, take};
use super::types::{AppInstanceAdmin, AppInstanceUser, Resource, Tag, Tombstone};
use crate::arn::{AppInstanceArn, AppInstanceUserArn};
use crate::error::{Refusal, ServiceError};
use crate::flow::{Claim, Decision, Loaded, Task, TaskKind, Token, fingerprint};
use crate::ids::{AppInstanceUserId, ClientRequestToken};
use crate::limits::Quota;
use crate::page::{Page, PageRequest};
use crate::ports::{Change, Entity, Record};
use crate::text::{Metadata, UserName};
use crate::time::Timestamp;

/// Which STANDARD messages of its channels a bot is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum StandardMessages {
    /// All in channels of two, those that mention it elsewhere.
    Auto,
    /// All.
    All,
    /// Those that mention it.
    Mentions,
    /// None.
    None,
}

/// Which messages that target it a bot is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TargetedMessages {
    /// All.
    All,
    /// None.
    None,
}

/// Which messages a bot is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokedBy {
    /// Of those to everybody.
    pub standard: StandardMessages,
    /// Of those to the bot alone.
    pub targeted: TargetedMessages,
}

/// The Lex bot behind a bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LexConfiguration {
    /// `RespondsTo` of the first form of this configuration was given: all STANDARD messages.
    pub responds_to_standard: bool,
    /// What it is given; a bot without this is given what [`Self::responds_to_standard`] says.
    pub invoked_by: Option<InvokedBy>,
    /// ARN of the alias of the Lex bot.
    pub alias: Arc<str>,
    /// Its locale.
    pub locale: Arc<str>,
    /// The intent that it greets with.
    pub welcome_intent: Option<Arc<str>>,
}

/// A bot of an app instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppInstanceBot {
    /// Its ARN.
    pub arn: AppInstanceUserArn,
    /// Its name, which may be empty.
    pub name: Metadata,
    /// Its metadata.
    pub metadata: Metadata,
    /// What is behind it.
    pub configuration: LexConfiguration,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Entity for AppInstanceBot {
    const NAME: &'static str = "bot";
}

impl AppInstanceBot {
    /// The bot as a participant of channels.
    fn participant(&self) -> Result<AppInstanceUser, Refusal> {
        let short: String = self.name.as_str().chars().take(100).collect();
        let name = UserName::new(short).or_else(|_| UserName::new(self.arn.user_id()));
        Ok(AppInstanceUser {
            arn: self.arn.clone(),
            name: name.map_err(|error| error.of("Name"))?,
            metadata: self.metadata.clone(),
            created: self.created,
            updated: self.updated,
            expiration: None,
        })
    }
}

/// `CreateAppInstanceBot`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CreateAppInstanceBot {
    /// In which app instance.
    pub app_instance: AppInstanceArn,
    /// Its name.
    pub name: Metadata,
    /// Its metadata.
    pub metadata: Metadata,
    /// What is behind it.
    pub configuration: LexConfiguration,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Makes the creation repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

impl CreateAppInstanceBot {
    /// A bot without a name.
    #[must_use]
    pub fn new(app_instance: AppInstanceArn, configuration: LexConfiguration) -> Self {
        let (name, metadata) = (Metadata::empty(), Metadata::empty());
        Self { app_instance, name, metadata, configuration, tags: Vec::new(), client_request_token: None }
    }
}

/// `UpdateAppInstanceBot`: name and metadata are replaced, the configuration when it is given.
#[derive(Clone, Debug)]
pub struct UpdateAppInstanceBot {
    /// Which.
    pub arn: AppInstanceUserArn,
    /// Its new name.
    pub name: Metadata,
    /// Its new metadata.
    pub metadata: Metadata,
    /// Its new configuration.
    pub configuration: Option<LexConfiguration>,
}

fn no_bot() -> Refusal {
    Refusal::not_found("E-06", "The app instance has no bot of this ARN.")
}

fn hidden_bot() -> Refusal {
    Refusal::forbidden("E-06", "The bot does not exist or is not visible to the caller.")
}

impl Identity<'_> {
    async fn bot(&self, arn: &AppInstanceUserArn) -> Result<Option<Loaded<AppInstanceBot>>, ServiceError> {
        self.instance(&arn.app_instance()).await?;
        let found = self.load::<AppInstanceBot>(keys::bot(arn)).await?;
        Ok(found.get().is_some_and(|bot| bot.arn == *arn).then_some(found))
    }

    /// `CreateAppInstanceBot`.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a conflict when the token was used with other parameters; the quota's
    /// refusal.
    pub async fn create_app_instance_bot(
        &self,
        command: CreateAppInstanceBot,
    ) -> Result<AppInstanceUserArn, ServiceError> {
        let (command, print) = (&command, &fingerprint(&command));
        self.chime
            .transact(|_| async move {
                let now = self.chime.now();
                let instance = self.instance(&command.app_instance).await?;
                let claim = match &command.client_request_token {
                    Some(token) => {
                        let scope = ["CreateAppInstanceBot", command.app_instance.app_instance_id()];
                        let claim =
                            Claim::new(self.load::<Token>(Claim::key(&scope, token)).await?, print.clone());
                        let gone = match claim.created().and_then(|arn| AppInstanceUserArn::parse(arn).ok()) {
                            Some(arn) => !self.load::<AppInstanceBot>(keys::bot(&arn)).await?.exists(),
                            None => true,
                        };
                        Some(claim.freed(gone))
                    }
                    None => None,
                };
                if let Some(arn) = claim.as_ref().map(|claim| claim.replay(now)).transpose()?.flatten() {
                    let arn =
                        AppInstanceUserArn::parse(arn).map_err(|error| error.of("AppInstanceBotArn"))?;
                    return Ok(Decision::reply(arn));
                }
                let id = AppInstanceUserId::new(self.chime.entropy().uuid());
                let arn = command.app_instance.bot(&id.map_err(|error| error.of("AppInstanceBotArn"))?);
                let bot = AppInstanceBot {
                    arn: arn.clone(),
                    name: command.name.clone(),
                    metadata: command.metadata.clone(),
                    configuration: command.configuration.clone(),
                    created: now,
                    updated: now,
                };
                let decision = Decision::reply(arn.clone())
                    .guards([instance.guard(), Loaded::<AppInstanceUser>::absent(keys::user(&arn)).guard()])
                    .change(self.count(Quota::BotsPerAppInstance, &[arn.app_instance_id()], 1))
                    .change(Change::Put(keys::user(&arn), Record::of(bot.participant()?)))
                    .change(Change::Put(keys::bot(&arn), Record::of(bot)))
                    .changes(self.first_tags(&Resource::User(arn.clone()), &command.tags)?);
                Ok(take(decision, claim, arn.as_str(), now))
            })
            .await
    }

    /// `DescribeAppInstanceBot`.
    ///
    /// # Errors
    ///
    /// NotFound when there is none.
    pub async fn describe_app_instance_bot(
        &self,
        arn: &AppInstanceUserArn,
    ) -> Result<AppInstanceBot, ServiceError> {
        let found = self.bot(arn).await?;
        found.and_then(|bot| bot.get().cloned()).ok_or_else(|| no_bot().into())
    }

    /// `UpdateAppInstanceBot`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn update_app_instance_bot(
        &self,
        command: UpdateAppInstanceBot,
    ) -> Result<AppInstanceUserArn, ServiceError> {
        let command = &command;
        self.chime
            .transact(|_| async move {
                let found = self.bot(&command.arn).await?.ok_or_else(hidden_bot)?;
                let mut bot = found.get().cloned().ok_or_else(hidden_bot)?;
                bot.name = command.name.clone();
                bot.metadata = command.metadata.clone();
                bot.configuration = command.configuration.clone().unwrap_or(bot.configuration);
                bot.updated = self.chime.now();
                Ok(Decision::reply(command.arn.clone())
                    .guard(found.guard())
                    .change(Change::Put(keys::user(&command.arn), Record::of(bot.participant()?)))
                    .change(Change::Put(found.key().clone(), Record::of(bot))))
            })
            .await
    }

    /// `DeleteAppInstanceBot`: as with a user, its memberships go too and its messages stay.
    ///
    /// # Errors
    ///
    /// The store's errors; deleting what is gone succeeds.
    pub async fn delete_app_instance_bot(&self, arn: &AppInstanceUserArn) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let now = self.chime.now();
                let found = self.load::<AppInstanceBot>(keys::bot(arn)).await?;
                if found.get().is_none_or(|bot| bot.arn != *arn) {
                    return Ok(Decision::reply(()));
                }
                let admin = self.load::<AppInstanceAdmin>(keys::admin(arn)).await?;
                let demoted = admin.exists().then(|| {
                    let one = self.count(Quota::AdminsPerAppInstance, &[arn.app_instance_id()], -1);
                    [Change::Delete(admin.key().clone()), one]
                });
                let purge = Task::new(TaskKind::PurgeUser, now, [arn.to_string()]);
                Ok(Decision::reply(())
                    .guards([found.guard(), admin.guard()])
                    .changes(demoted.into_iter().flatten())
                    .change(Change::Delete(found.key().clone()))
                    .change(Change::Delete(keys::user(arn)))
                    .change(Change::Delete(keys::tags(&Resource::User(arn.clone()))))
                    .change(self.count(Quota::BotsPerAppInstance, &[arn.app_instance_id()], -1))
                    .change(Change::Put(keys::deleted_user(arn), Record::of(Tombstone { deleted: now })))
                    .change(purge.schedule())
                    .announce(super::events::user_deleted(arn)))
            })
            .await
    }

    /// `ListAppInstanceBots`.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a bad request when the page is not valid.
    pub async fn list_app_instance_bots(
        &self,
        arn: &AppInstanceArn,
        page: &PageRequest,
    ) -> Result<Page<AppInstanceBot>, ServiceError> {
        self.instance(arn).await?;
        self.list(&["ListAppInstanceBots", arn.as_str()], &keys::bots(arn), page).await
    }
}
