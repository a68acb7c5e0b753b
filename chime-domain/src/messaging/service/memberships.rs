//! Memberships, read markers, preferences.

use super::Messaging;
use crate::access::MembershipType;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ErrorCode, Refusal, ServiceError};
use crate::flow::{Decision, load};
use crate::limits::BATCH_MEMBERSHIPS;
use crate::messaging::facts::{ChannelFacts, Missing};
use crate::messaging::keys;
use crate::messaging::rules::memberships;
use crate::messaging::types::{BatchError, Membership, Preferences};
use crate::ports::{Change, Record};

impl Messaging<'_> {
    /// `CreateChannelMembership` (rules CHN-04 to CHN-07, CHN-10 to CHN-13).
    ///
    /// # Errors
    ///
    /// Forbidden by role or ban; a conflict when it is a member already; the quota's refusal.
    pub async fn create_channel_membership(
        &self,
        channel: &ChannelArn,
        member: &AppInstanceUserArn,
        kind: MembershipType,
    ) -> Result<Membership, ServiceError> {
        let decide =
            |facts: &ChannelFacts| memberships::create(facts, kind, self.settings(), self.chime.now());
        self.decide_on(channel, member, decide).await
    }

    /// `BatchCreateChannelMembership`: adds whom it can, and says why it could not add the others (wire rule E-10).
    ///
    /// # Errors
    ///
    /// A bad request when there are not 1 to 100 members; 401, Forbidden or NotFound when the caller may not see the
    /// channel at all.
    pub async fn batch_create_channel_membership(
        &self,
        channel: &ChannelArn,
        members: &[AppInstanceUserArn],
        kind: MembershipType,
    ) -> Result<(Vec<Membership>, Vec<BatchError>), ServiceError> {
        if !BATCH_MEMBERSHIPS.contains(&members.len()) {
            let message = format!("MemberArns holds {} ARNs, outside 1 to 100.", members.len());
            return Err(Refusal::bad_request("CHN-12", message).into());
        }
        self.facts(channel, &[]).await?.admit(Missing::NotFound)?;
        let (mut added, mut errors) = (Vec::new(), Vec::new());
        for member in members {
            match self.create_channel_membership(channel, member, kind).await {
                Ok(membership) => added.push(membership),
                Err(ServiceError::Refused(refusal)) if refusal.code() != ErrorCode::UnauthorizedClient => {
                    errors.push(BatchError { member: member.clone(), refusal });
                }
                Err(error) => return Err(error),
            }
        }
        Ok((added, errors))
    }

    /// `DeleteChannelMembership` (rules ROLE-03, WEB-30).
    ///
    /// # Errors
    ///
    /// Forbidden by role.
    pub async fn delete_channel_membership(
        &self,
        channel: &ChannelArn,
        member: &AppInstanceUserArn,
    ) -> Result<(), ServiceError> {
        self.decide_on(channel, member, |facts| memberships::delete(facts, self.settings())).await
    }

    /// `DescribeChannelMembership`.
    ///
    /// # Errors
    ///
    /// Forbidden by role; NotFound when the user is no member.
    pub async fn describe_channel_membership(
        &self,
        channel: &ChannelArn,
        member: &AppInstanceUserArn,
    ) -> Result<Membership, ServiceError> {
        let facts = self.facts(channel, std::slice::from_ref(member)).await?;
        Ok(memberships::describe(&facts, self.settings())?)
    }

    /// `UpdateChannelReadMarker` (rule CHN-19).
    ///
    /// # Errors
    ///
    /// Forbidden to non-members.
    pub async fn update_channel_read_marker(&self, channel: &ChannelArn) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(channel, &[]).await?;
                Ok(memberships::read_marker(&facts, self.settings(), self.chime.now())?)
            })
            .await
    }

    /// `PutChannelMembershipPreferences`.
    ///
    /// # Errors
    ///
    /// Forbidden but for one's own membership.
    pub async fn put_channel_membership_preferences(
        &self,
        channel: &ChannelArn,
        member: &AppInstanceUserArn,
        preferences: Preferences,
    ) -> Result<Membership, ServiceError> {
        self.chime
            .transact(|_| async {
                let facts = self.facts(channel, &[]).await?;
                memberships::own_preferences(&facts, member)?;
                let membership =
                    facts.caller.membership.get().cloned().ok_or_else(crate::messaging::facts::bad_target)?;
                let key = keys::preferences(channel, member);
                Ok(Decision::reply(membership)
                    .guards(facts.guards())
                    .change(Change::Put(key, Record::of(preferences.clone()))))
            })
            .await
    }

    /// `GetChannelMembershipPreferences`; `None` when they were never set.
    ///
    /// # Errors
    ///
    /// Forbidden but for one's own membership.
    pub async fn get_channel_membership_preferences(
        &self,
        channel: &ChannelArn,
        member: &AppInstanceUserArn,
    ) -> Result<(Membership, Option<Preferences>), ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        memberships::own_preferences(&facts, member)?;
        let membership =
            facts.caller.membership.get().cloned().ok_or_else(crate::messaging::facts::bad_target)?;
        let found = load::<Preferences>(self.chime.store(), keys::preferences(channel, member)).await?;
        Ok((membership, found.get().cloned()))
    }
}
