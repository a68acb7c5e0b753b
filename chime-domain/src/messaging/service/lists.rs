//! Lists of channels, members, moderators and bans.

use super::Messaging;
use crate::access::{Action, MembershipType, Privacy, Situation, Standing, decide};
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::error::{Refusal, ServiceError};
use crate::flow::Loaded;
use crate::ids::{AppInstanceUserId, ChannelId, SubChannelId};
use crate::messaging::facts::{CallerFacts, Missing, bad_target};
use crate::messaging::keys::{self, Relation};
use crate::messaging::rules::memberships;
use crate::messaging::types::{
    Ban, Channel, ChannelView, LastTargeted, Membership, Moderator, OwnMembership, ReadMarker,
};
use crate::page::{Page, PageRequest};
use crate::ports::Key;
use crate::time::Timestamp;

impl Messaging<'_> {
    /// `ListChannels`: those of one privacy, public ones by default (rules CHN-21, ROLE-02).
    ///
    /// # Errors
    ///
    /// 401 for a bearer outside the app instance; Forbidden for private channels to all but administrators.
    pub async fn list_channels(
        &self,
        app_instance: &AppInstanceArn,
        privacy: Option<Privacy>,
        page: &PageRequest,
    ) -> Result<Page<ChannelView>, ServiceError> {
        let facts = CallerFacts::load(self.chime.store(), app_instance, self.bearer).await?;
        let privacy = privacy.unwrap_or(Privacy::Public);
        let standing = Standing { admin: facts.admin.exists(), ..Standing::default() };
        let situation = Situation { standing, privacy: Some(privacy), ..Situation::default() };
        decide(Action::ListChannels, &situation).enforce()?;
        let filter = format!("{privacy:?}");
        let listing = ["ListChannels", app_instance.as_str(), self.bearer.as_str(), &filter];
        let links =
            self.links(&listing, &keys::listed_channels(app_instance, privacy), app_instance, page).await?;
        Ok(Page { items: self.views(&links.items).await?, next: links.next })
    }

    /// `ListChannelMemberships`: DEFAULT ones, unless HIDDEN ones are asked for (rule CHN-10).
    ///
    /// # Errors
    ///
    /// Forbidden by role, and for HIDDEN ones to all but administrators and moderators; a bad request when the page is
    /// not valid.
    pub async fn list_channel_memberships(
        &self,
        channel: &ChannelArn,
        kind: Option<MembershipType>,
        page: &PageRequest,
    ) -> Result<Page<Membership>, ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        facts.authorize(Action::ListChannelMemberships, Missing::Forbidden, self.settings())?;
        let kind = kind.unwrap_or(MembershipType::Default);
        memberships::of_kind(&facts, kind)?;
        if let Some(sub_channel) = facts.sub_channel_to_read(self.sub_channel)? {
            return match kind {
                MembershipType::Default => self.members_of_sub_channel(channel, &sub_channel, page).await,
                MembershipType::Hidden => Ok(Page { items: Vec::new(), next: None }),
            };
        }
        let filter = format!("{kind:?}");
        let listing = ["ListChannelMemberships", channel.as_str(), self.bearer.as_str(), &filter];
        self.chime
            .page(&listing, &Relation::Member.of_channel(channel), page, |_, found| {
                let membership = found.record.read::<Membership>()?;
                Ok((membership.kind == kind).then(|| Membership::clone(&membership)))
            })
            .await
    }

    /// The members of a sub-channel, by its index.
    async fn members_of_sub_channel(
        &self,
        channel: &ChannelArn,
        sub_channel: &SubChannelId,
        page: &PageRequest,
    ) -> Result<Page<Membership>, ServiceError> {
        let listing =
            ["ListChannelMemberships", channel.as_str(), self.bearer.as_str(), sub_channel.as_str()];
        let parent = keys::sub_channel_members(channel, sub_channel);
        let app_instance = channel.app_instance();
        let user = |key: &Key| AppInstanceUserId::new(key.last()).ok().map(|id| app_instance.user(&id));
        let users = self.chime.page(&listing, &parent, page, |key, _| Ok(user(key))).await?;
        let rows: Vec<_> = users.items.iter().map(|user| Relation::Member.key(channel, user)).collect();
        let found = self.chime.store().get(&rows).await?;
        let mut items = Vec::with_capacity(rows.len());
        for (key, found) in rows.into_iter().zip(found) {
            items.extend(Loaded::<Membership>::decode(key, found)?.get().cloned());
        }
        Ok(Page { items, next: users.next })
    }

    /// `ListChannelModerators`.
    ///
    /// # Errors
    ///
    /// Forbidden by role; a bad request when the page is not valid.
    pub async fn list_channel_moderators(
        &self,
        channel: &ChannelArn,
        page: &PageRequest,
    ) -> Result<Page<Moderator>, ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        facts.authorize(Action::ListChannelModerators, Missing::Forbidden, self.settings())?;
        let listing = ["ListChannelModerators", channel.as_str(), self.bearer.as_str()];
        self.chime
            .page(&listing, &Relation::Moderator.of_channel(channel), page, |_, found| {
                Ok(Some(Moderator::clone(&*found.record.read::<Moderator>()?)))
            })
            .await
    }

    /// `ListChannelBans`.
    ///
    /// # Errors
    ///
    /// Forbidden by role; a bad request when the page is not valid.
    pub async fn list_channel_bans(
        &self,
        channel: &ChannelArn,
        page: &PageRequest,
    ) -> Result<Page<Ban>, ServiceError> {
        let facts = self.facts(channel, &[]).await?;
        facts.authorize(Action::ListChannelBans, Missing::Forbidden, self.settings())?;
        let listing = ["ListChannelBans", channel.as_str(), self.bearer.as_str()];
        self.chime
            .page(&listing, &Relation::Ban.of_channel(channel), page, |_, found| {
                Ok(Some(Ban::clone(&*found.record.read::<Ban>()?)))
            })
            .await
    }

    /// Whose rows a list is about: the caller's own, or for administrators another user's (rules AUTH-05 to AUTH-08).
    async fn whose(
        &self,
        action: Action,
        user: Option<&AppInstanceUserArn>,
    ) -> Result<AppInstanceUserArn, ServiceError> {
        let instance = self.bearer.app_instance();
        let facts = CallerFacts::load(self.chime.store(), &instance, self.bearer).await?;
        let user = user.unwrap_or(self.bearer);
        let standing = Standing { admin: facts.admin.exists(), ..Standing::default() };
        let situation = Situation { standing, own_arn: user == self.bearer, ..Situation::default() };
        decide(action, &situation).enforce()?;
        if user != self.bearer {
            CallerFacts::load(self.chime.store(), &instance, user).await.map_err(|error| match error {
                ServiceError::Refused(_) => bad_target().into(),
                error => error,
            })?;
        }
        Ok(user.clone())
    }

    /// `ListChannelMembershipsForAppInstanceUser`: private channels too (rule ROLE-02).
    ///
    /// # Errors
    ///
    /// Forbidden for another user's ARN to all but administrators; a bad request when the page is not valid.
    pub async fn list_channel_memberships_for_app_instance_user(
        &self,
        user: Option<&AppInstanceUserArn>,
        page: &PageRequest,
    ) -> Result<Page<OwnMembership>, ServiceError> {
        let user = self.whose(Action::ListChannelMembershipsForAppInstanceUser, user).await?;
        let listing = ["ListChannelMembershipsForAppInstanceUser", user.as_str(), self.bearer.as_str()];
        let links =
            self.links(&listing, &Relation::Member.of_user(&user), &user.app_instance(), page).await?;
        Ok(Page { items: self.own_memberships(&user, &links.items).await?, next: links.next })
    }

    /// All memberships of the caller, with what it has read; unsorted.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn all_own_memberships(&self) -> Result<Vec<OwnMembership>, ServiceError> {
        let rooms = self.chime.rooms_of(self.bearer).await?;
        let mut channels: Vec<_> = rooms.into_iter().map(|room| room.channel).collect();
        channels.dedup();
        self.own_memberships(self.bearer, &channels).await
    }

    /// Memberships of a user in channels that exist, with what the user has read.
    async fn own_memberships(
        &self,
        user: &AppInstanceUserArn,
        channels: &[ChannelArn],
    ) -> Result<Vec<OwnMembership>, ServiceError> {
        let views = self.views(channels).await?;
        let mut rows = Vec::with_capacity(2 * views.len());
        for view in &views {
            let arn = &view.channel.arn;
            rows.extend([Relation::Member.key(arn, user), keys::read_marker(arn, user)]);
        }
        let found = self.chime.store().get(&rows).await?;
        let mut found = rows.into_iter().zip(found);
        let mut items = Vec::with_capacity(views.len());
        for channel in views {
            let (Some(membership), Some(marker)) = (found.next(), found.next()) else { break };
            let membership = Loaded::<Membership>::decode(membership.0, membership.1)?;
            let marker = Loaded::<ReadMarker>::decode(marker.0, marker.1)?;
            if let Some(membership) = membership.get() {
                let read_marker = marker.get().map(|marker| marker.0);
                let sub_channel = membership.sub_channels.first().cloned();
                items.push(OwnMembership { channel, kind: membership.kind, read_marker, sub_channel });
            }
        }
        Ok(items)
    }

    /// `DescribeChannelMembershipForAppInstanceUser`.
    ///
    /// # Errors
    ///
    /// Forbidden for another user's ARN to all but administrators, and when the user is no member.
    pub async fn describe_channel_membership_for_app_instance_user(
        &self,
        channel: &ChannelArn,
        user: Option<&AppInstanceUserArn>,
    ) -> Result<OwnMembership, ServiceError> {
        let user = user.unwrap_or(self.bearer);
        let facts = self.facts(channel, std::slice::from_ref(user)).await?;
        facts.authorize(
            Action::DescribeChannelMembershipForAppInstanceUser,
            Missing::Forbidden,
            self.settings(),
        )?;
        facts.target()?;
        let found = self.own_memberships(user, std::slice::from_ref(channel)).await?.into_iter().next();
        Ok(found.ok_or_else(|| Refusal::forbidden("E-06", "The user is not a member of the channel."))?)
    }

    /// `ListChannelsModeratedByAppInstanceUser`.
    ///
    /// # Errors
    ///
    /// Forbidden for another user's ARN to all but administrators; a bad request when the page is not valid.
    pub async fn list_channels_moderated_by_app_instance_user(
        &self,
        user: Option<&AppInstanceUserArn>,
        page: &PageRequest,
    ) -> Result<Page<ChannelView>, ServiceError> {
        let user = self.whose(Action::ListChannelsModeratedByAppInstanceUser, user).await?;
        let listing = ["ListChannelsModeratedByAppInstanceUser", user.as_str(), self.bearer.as_str()];
        let links =
            self.links(&listing, &Relation::Moderator.of_user(&user), &user.app_instance(), page).await?;
        Ok(Page { items: self.views(&links.items).await?, next: links.next })
    }

    /// `DescribeChannelModeratedByAppInstanceUser`.
    ///
    /// # Errors
    ///
    /// Forbidden for another user's ARN to all but administrators, and when the user is no moderator of it.
    pub async fn describe_channel_moderated_by_app_instance_user(
        &self,
        channel: &ChannelArn,
        user: Option<&AppInstanceUserArn>,
    ) -> Result<ChannelView, ServiceError> {
        let user = user.unwrap_or(self.bearer);
        let facts = self.facts(channel, std::slice::from_ref(user)).await?;
        facts.authorize(
            Action::DescribeChannelModeratedByAppInstanceUser,
            Missing::Forbidden,
            self.settings(),
        )?;
        let none = || Refusal::forbidden("E-06", "The user is not a moderator of the channel.");
        if !facts.target()?.moderator.exists() {
            return Err(none().into());
        }
        Ok(self.views(std::slice::from_ref(channel)).await?.pop().ok_or_else(none)?)
    }

    /// A page of an index whose keys end in the id of a channel.
    async fn links(
        &self,
        listing: &[&str],
        parent: &Key,
        app_instance: &AppInstanceArn,
        page: &PageRequest,
    ) -> Result<Page<ChannelArn>, ServiceError> {
        let channel = |key: &Key| ChannelId::new(key.last()).ok().map(|id| app_instance.channel(&id));
        self.chime.page(listing, parent, page, |key, _| Ok(channel(key))).await
    }

    /// The channels that still exist, with when the last message was sent that the caller sees.
    pub(super) async fn views(&self, channels: &[ChannelArn]) -> Result<Vec<ChannelView>, ServiceError> {
        let rows: Vec<_> = channels.iter().map(keys::channel).collect();
        let found = self.chime.store().get(&rows).await?;
        let last = self.last_messages(channels).await?;
        let mut views = Vec::with_capacity(channels.len());
        for ((key, found), last_message) in rows.into_iter().zip(found).zip(last) {
            if let Some(channel) = Loaded::<Channel>::decode(key, found)?.shared() {
                views.push(ChannelView { channel, last_message });
            }
        }
        Ok(views)
    }

    /// When the last persistent message of each channel was sent that the caller sees (rule CHN-20).
    pub(super) async fn last_messages(
        &self,
        channels: &[ChannelArn],
    ) -> Result<Vec<Option<Timestamp>>, ServiceError> {
        let streams: Vec<_> = channels.iter().map(keys::messages).collect();
        let targeted: Vec<_> =
            channels.iter().map(|channel| keys::last_targeted(channel, self.bearer)).collect();
        let heads = self.chime.store().heads(&streams).await?;
        let found = self.chime.store().get(&targeted).await?;
        let mut last = Vec::with_capacity(channels.len());
        for ((key, found), head) in targeted.into_iter().zip(found).zip(heads) {
            let targeted = Loaded::<LastTargeted>::decode(key, found)?;
            last.push(head.last_kept.max(targeted.get().map(|targeted| targeted.0)));
        }
        Ok(last)
    }
}
