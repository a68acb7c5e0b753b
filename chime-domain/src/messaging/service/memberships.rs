//! Memberships, read markers, preferences.

use futures_util::future::{BoxFuture, join_all};

use super::Messaging;
use crate::access::MembershipType;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{ErrorCode, Refusal, ServiceError};
use crate::flow::{Decision, load};
use crate::limits::BATCH_MEMBERSHIPS;
use crate::messaging::elastic::{Seat, bad};
use crate::messaging::facts::{ChannelFacts, Missing};
use crate::messaging::keys;
use crate::messaging::rules::memberships::{self, Destination};
use crate::messaging::types::{BatchError, Membership, Preferences};
use crate::ports::{Change, Record};

/// Memberships of a batch that are made at a time.
const AT_ONCE: usize = 20;

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
        let targets = std::slice::from_ref(member);
        self.chime
            .transact(|_| async move {
                let facts = self.facts(channel, targets).await?;
                let seat = self.seat_for(&facts, kind).await?;
                Ok(memberships::create(&facts, kind, seat, self.settings(), self.chime.now())?)
            })
            .await
    }

    /// The place that a new member of an elastic channel takes.
    async fn seat_for(
        &self,
        facts: &ChannelFacts,
        kind: MembershipType,
    ) -> Result<Option<Seat>, ServiceError> {
        let channel = facts.admit(Missing::NotFound)?;
        let (Some(elastic), arn) = (channel.elastic, &channel.arn) else {
            memberships::destination(facts, kind, self.sub_channel)?;
            return Ok(None);
        };
        match memberships::destination(facts, kind, self.sub_channel)? {
            Destination::Whole => Ok(None),
            Destination::Any => Ok(Some(self.chime.seat(arn, &elastic, None).await?)),
            Destination::Named => {
                let Some(id) = self.sub_channel else { return Ok(None) };
                let known = facts.targets.first().and_then(|target| target.membership.get());
                if known.is_some_and(|known| known.sub_channels.contains(id)) {
                    // A conflict, whether or not the sub-channel is closing.
                    return Ok(None);
                }
                let none = || bad("There is no such sub-channel.").unless("choose another.");
                Ok(Some(self.chime.seat_beside(arn, id).await?.ok_or_else(none)?))
            }
        }
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
        // Some at a time, so that they share the store's commits.
        for some in members.chunks(AT_ONCE) {
            let mut made: Vec<BoxFuture<'_, _>> = Vec::with_capacity(some.len());
            for member in some {
                made.push(Box::pin(self.create_channel_membership(channel, member, kind)));
            }
            for (member, outcome) in some.iter().zip(join_all(made).await) {
                match outcome {
                    Ok(membership) => added.push(membership),
                    Err(ServiceError::Refused(refusal))
                        if refusal.code() != ErrorCode::UnauthorizedClient =>
                    {
                        errors.push(BatchError { member: member.clone(), refusal });
                    }
                    Err(error) => return Err(error),
                }
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
        self.decide_on(channel, member, |facts| {
            memberships::delete(facts, self.sub_channel, self.settings(), self.chime.now())
        })
        .await
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
                if facts.channel.get().is_some_and(|channel| channel.elastic.is_some()) {
                    return Err(bad("An elastic channel has no membership preferences.").into());
                }
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
