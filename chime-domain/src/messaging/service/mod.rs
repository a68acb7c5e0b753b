//! Load, decide, commit; a file for each kind of thing.

mod channels;
mod lists;
mod memberships;
mod messages;
mod moderation;
mod search;

use super::facts::ChannelFacts;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Decision, Settings};
use crate::ids::SubChannelId;

/// The operations of the context, as one user.
#[derive(Clone, Copy, Debug)]
pub struct Messaging<'a> {
    chime: &'a Chime,
    bearer: &'a AppInstanceUserArn,
    sub_channel: Option<&'a SubChannelId>,
}

impl Chime {
    /// Channels and messages, as the user `bearer`.
    #[must_use]
    pub fn messaging<'a>(&'a self, bearer: &'a AppInstanceUserArn) -> Messaging<'a> {
        Messaging { chime: self, bearer, sub_channel: None }
    }
}

impl<'a> Messaging<'a> {
    /// The same, in this sub-channel of an elastic channel, for the operations that take a `SubChannelId`.
    #[must_use]
    pub fn in_sub_channel(mut self, sub_channel: Option<&'a SubChannelId>) -> Self {
        self.sub_channel = sub_channel;
        self
    }

    pub(super) fn parts(&self) -> (&'a Chime, &'a AppInstanceUserArn) {
        (self.chime, self.bearer)
    }

    pub(super) async fn facts(
        &self,
        channel: &ChannelArn,
        targets: &[AppInstanceUserArn],
    ) -> Result<ChannelFacts, ServiceError> {
        ChannelFacts::load(self.chime.store(), channel, self.bearer, targets).await
    }

    fn settings(&self) -> &Settings {
        self.chime.settings()
    }

    /// Decides and commits something about one user of a channel.
    async fn decide_on<R>(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
        decide: impl Fn(&ChannelFacts) -> Result<Decision<R>, Refusal>,
    ) -> Result<R, ServiceError> {
        let (targets, decide) = (std::slice::from_ref(user), &decide);
        self.chime.transact(|_| async move { Ok(decide(&self.facts(channel, targets).await?)?) }).await
    }
}
