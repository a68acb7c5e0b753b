//! Moderators and bans.

use super::Messaging;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::ServiceError;
use crate::messaging::rules::moderation;
use crate::messaging::types::{Ban, Moderator};

impl Messaging<'_> {
    /// `CreateChannelModerator` (rule ROLE-05).
    ///
    /// # Errors
    ///
    /// Forbidden by role; a conflict when it is one already; the quota's refusal.
    pub async fn create_channel_moderator(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
    ) -> Result<Moderator, ServiceError> {
        self.decide_on(channel, user, |facts| {
            moderation::create_moderator(facts, self.settings(), self.chime.now())
        })
        .await
    }

    /// `DeleteChannelModerator`.
    ///
    /// # Errors
    ///
    /// Forbidden by role.
    pub async fn delete_channel_moderator(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
    ) -> Result<(), ServiceError> {
        self.decide_on(channel, user, |facts| {
            moderation::delete_moderator(facts, self.settings(), self.chime.now())
        })
        .await
    }

    /// `DescribeChannelModerator`.
    ///
    /// # Errors
    ///
    /// Forbidden by role; NotFound when the user is none.
    pub async fn describe_channel_moderator(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
    ) -> Result<Moderator, ServiceError> {
        let facts = self.facts(channel, std::slice::from_ref(user)).await?;
        Ok(moderation::describe_moderator(&facts, self.settings())?)
    }

    /// `CreateChannelBan` (rules CHN-13, CHN-14).
    ///
    /// # Errors
    ///
    /// Forbidden by role, or for a target who is an administrator or a moderator; a conflict when it is banned already.
    pub async fn create_channel_ban(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
    ) -> Result<Ban, ServiceError> {
        self.decide_on(channel, user, |facts| {
            moderation::create_ban(facts, self.settings(), self.chime.now())
        })
        .await
    }

    /// `DeleteChannelBan` (rules ROLE-04, CHN-15).
    ///
    /// # Errors
    ///
    /// Forbidden by role, and when there is no such ban.
    pub async fn delete_channel_ban(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
    ) -> Result<(), ServiceError> {
        self.decide_on(channel, user, |facts| moderation::delete_ban(facts, self.settings())).await
    }

    /// `DescribeChannelBan`.
    ///
    /// # Errors
    ///
    /// Forbidden by role; NotFound when there is no such ban.
    pub async fn describe_channel_ban(
        &self,
        channel: &ChannelArn,
        user: &AppInstanceUserArn,
    ) -> Result<Ban, ServiceError> {
        let facts = self.facts(channel, std::slice::from_ref(user)).await?;
        Ok(moderation::describe_ban(&facts, self.settings())?)
    }
}
