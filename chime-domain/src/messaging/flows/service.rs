//! Load, decide, commit.

use super::queue::callback_id;
use super::rules;
use super::types::{ChannelFlow, CreateChannelFlow, UpdateChannelFlow};
use crate::arn::{AppInstanceArn, ChannelArn, ChannelFlowArn};
use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Claim, Decision, Loaded, Token, fingerprint, load};
use crate::identity::{AppInstance, Resource, Tags, keys as identity_keys};
use crate::ids::{CallbackId, ChannelId};
use crate::limits::Quota;
use crate::messaging::keys;
use crate::messaging::rules::channels::count;
use crate::messaging::service::Messaging;
use crate::messaging::types::{Channel, ChannelView};
use crate::page::{Page, PageRequest};
use crate::ports::{Change, Key, Record, Scan};

/// Channel flows, as the account they belong to.
#[derive(Clone, Copy, Debug)]
pub struct ChannelFlows<'a> {
    chime: &'a Chime,
}

impl Chime {
    /// Channel flows. Like [`Chime::identity`], they ask for no acting user.
    #[must_use]
    pub fn channel_flows(&self) -> ChannelFlows<'_> {
        ChannelFlows { chime: self }
    }

    /// A fresh callback id.
    pub(in crate::messaging) fn new_callback(&self) -> Result<CallbackId, Refusal> {
        callback_id(self)
    }
}

impl ChannelFlows<'_> {
    async fn instance(&self, arn: &AppInstanceArn) -> Result<Loaded<AppInstance>, ServiceError> {
        let found = load::<AppInstance>(self.chime.store(), identity_keys::app_instance(arn)).await?;
        if found.get().is_some_and(|instance| instance.arn == *arn) {
            return Ok(found);
        }
        Err(Refusal::forbidden("E-06", "The app instance does not exist or is not visible to the caller.")
            .into())
    }

    async fn flow(&self, arn: &ChannelFlowArn) -> Result<Loaded<ChannelFlow>, ServiceError> {
        self.instance(&arn.app_instance()).await?;
        let found = load::<ChannelFlow>(self.chime.store(), keys::flow(arn)).await?;
        if found.get().is_some_and(|flow| flow.arn == *arn) {
            Ok(found)
        } else {
            Err(rules::hidden_flow().into())
        }
    }

    /// `CreateChannelFlow`.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a conflict when the token was used with other parameters; the quota's
    /// refusal.
    pub async fn create_channel_flow(
        &self,
        command: CreateChannelFlow,
    ) -> Result<ChannelFlowArn, ServiceError> {
        let chime = self.chime;
        let (command, print) = (&command, fingerprint(&command));
        let print = &print;
        chime
            .transact(|_| async move {
                let now = chime.now();
                let instance = self.instance(&command.app_instance).await?;
                let claim = match &command.client_request_token {
                    Some(token) => {
                        let scope = ["CreateChannelFlow", command.app_instance.app_instance_id()];
                        let found = load::<Token>(chime.store(), Claim::key(&scope, token)).await?;
                        let claim = Claim::new(found, print.clone());
                        let gone = match claim.created().and_then(|arn| ChannelFlowArn::parse(arn).ok()) {
                            Some(arn) => {
                                !load::<ChannelFlow>(chime.store(), keys::flow(&arn)).await?.exists()
                            }
                            None => true,
                        };
                        Some(claim.freed(gone))
                    }
                    None => None,
                };
                if let Some(arn) = claim.as_ref().map(|claim| claim.replay(now)).transpose()?.flatten() {
                    let arn = ChannelFlowArn::parse(arn).map_err(|error| error.of("ChannelFlowArn"))?;
                    return Ok(Decision::reply(arn));
                }
                let id =
                    ChannelId::new(chime.entropy().uuid()).map_err(|error| error.of("ChannelFlowArn"))?;
                let arn = command.app_instance.channel_flow(&id);
                let flow = ChannelFlow {
                    arn: arn.clone(),
                    name: command.name.clone(),
                    processors: command.processors.clone(),
                    created: now,
                    updated: now,
                };
                let of = [arn.app_instance_id()];
                let tags = (!command.tags.is_empty()).then(|| {
                    let key = identity_keys::tags(&Resource::Flow(arn.clone()));
                    Change::Put(key, Record::of(Tags(command.tags.clone())))
                });
                let decision = Decision::reply(arn.clone())
                    .guards([instance.guard(), Loaded::<ChannelFlow>::absent(keys::flow(&arn)).guard()])
                    .change(count(chime.settings(), Quota::FlowsPerAppInstance, &of, 1))
                    .change(Change::Put(keys::flow(&arn), Record::of(flow)))
                    .changes(tags);
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

    /// `DescribeChannelFlow`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn describe_channel_flow(&self, arn: &ChannelFlowArn) -> Result<ChannelFlow, ServiceError> {
        self.flow(arn).await?.get().cloned().ok_or_else(|| rules::hidden_flow().into())
    }

    /// `UpdateChannelFlow`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn update_channel_flow(
        &self,
        command: UpdateChannelFlow,
    ) -> Result<ChannelFlowArn, ServiceError> {
        let command = &command;
        self.chime
            .transact(|_| async move {
                let found = self.flow(&command.arn).await?;
                let flow = found.get().cloned().ok_or_else(rules::hidden_flow)?;
                let (name, processors) = (command.name.clone(), command.processors.clone());
                let flow = ChannelFlow { name, processors, updated: self.chime.now(), ..flow };
                Ok(Decision::reply(command.arn.clone())
                    .guard(found.guard())
                    .change(Change::Put(found.key().clone(), Record::of(flow))))
            })
            .await
    }

    /// `DeleteChannelFlow`; deleting what is gone succeeds.
    ///
    /// # Errors
    ///
    /// A conflict while channels have it.
    pub async fn delete_channel_flow(&self, arn: &ChannelFlowArn) -> Result<(), ServiceError> {
        let chime = self.chime;
        chime
            .transact(|_| async move {
                let found = load::<ChannelFlow>(chime.store(), keys::flow(arn)).await?;
                if found.get().is_none_or(|flow| flow.arn != *arn) {
                    return Ok(Decision::reply(()));
                }
                // Whoever associates it writes the flow's record, so that a channel cannot slip in after this look.
                let used = !chime.store().scan(Scan::below(&keys::flow_channels(arn), 1)).await?.is_empty();
                Ok(rules::delete(&found, used, chime.settings())?)
            })
            .await
    }

    /// `ListChannelFlows`.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a bad request when the page is not valid.
    pub async fn list_channel_flows(
        &self,
        app_instance: &AppInstanceArn,
        page: &PageRequest,
    ) -> Result<Page<ChannelFlow>, ServiceError> {
        self.instance(app_instance).await?;
        let listing = ["ListChannelFlows", app_instance.as_str()];
        self.chime
            .page(&listing, &keys::flows(app_instance), page, |_, found| {
                found.record.read::<ChannelFlow>().map(|flow| Some(ChannelFlow::clone(&flow)))
            })
            .await
    }

    /// `ListChannelsAssociatedWithChannelFlow`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is no such flow; a bad request when the page is not valid.
    pub async fn list_channels_associated_with_channel_flow(
        &self,
        arn: &ChannelFlowArn,
        page: &PageRequest,
    ) -> Result<Page<ChannelView>, ServiceError> {
        self.flow(arn).await?;
        let (listing, app_instance) =
            (["ListChannelsAssociatedWithChannelFlow", arn.as_str()], arn.app_instance());
        let links = self
            .chime
            .page(&listing, &keys::flow_channels(arn), page, |key: &Key, _| {
                Ok(ChannelId::new(key.last()).ok().map(|id| app_instance.channel(&id)))
            })
            .await?;
        let keys: Vec<_> = links.items.iter().map(keys::channel).collect();
        let found = self.chime.store().get(&keys).await?;
        let channels = keys.into_iter().zip(found).map(|(key, found)| Loaded::<Channel>::decode(key, found));
        let mut items = Vec::new();
        for channel in channels {
            items.extend(channel?.shared().map(|channel| ChannelView { channel, last_message: None }));
        }
        Ok(Page { items, next: links.next })
    }
}

impl Messaging<'_> {
    /// `AssociateChannelFlow`.
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators and moderators; NotFound without the flow; a conflict when the channel has
    /// another.
    pub async fn associate_channel_flow(
        &self,
        channel: &ChannelArn,
        arn: &ChannelFlowArn,
    ) -> Result<(), ServiceError> {
        let (chime, _) = self.parts();
        chime
            .transact(|_| async move {
                let facts = self.facts(channel, &[]).await?;
                let flow = load::<ChannelFlow>(chime.store(), keys::flow(arn)).await?;
                Ok(rules::associate(&facts, &flow, arn, chime.settings(), chime.now())?)
            })
            .await
    }

    /// `DisassociateChannelFlow`.
    ///
    /// # Errors
    ///
    /// Forbidden to all but administrators and moderators; NotFound when the channel does not have it.
    pub async fn disassociate_channel_flow(
        &self,
        channel: &ChannelArn,
        arn: &ChannelFlowArn,
    ) -> Result<(), ServiceError> {
        let (chime, _) = self.parts();
        chime
            .transact(|_| async move {
                let facts = self.facts(channel, &[]).await?;
                Ok(rules::disassociate(&facts, arn, chime.settings(), chime.now())?)
            })
            .await
    }
}
