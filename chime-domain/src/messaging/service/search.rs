//! `SearchChannels`.

use std::collections::BTreeSet;

use super::Messaging;
use crate::arn::{AppInstanceUserArn, ChannelArn};
use crate::error::{Refusal, ServiceError};
use crate::ids::ChannelId;
use crate::messaging::facts::{CallerFacts, bad_target};
use crate::messaging::keys::Relation;
use crate::messaging::types::{ChannelView, Membership, SearchField, SearchOperator};
use crate::page::{Page, PageRequest};
use crate::ports::Scan;

impl Messaging<'_> {
    /// `SearchChannels`: channels by their members. Administrators search all channels of the app instance, others
    /// those that they are members of.
    ///
    /// # Errors
    ///
    /// A bad request without fields or members; 401 for a bearer that is no user; Forbidden for a member that is none.
    pub async fn search_channels(
        &self,
        fields: &[SearchField],
        page: &PageRequest,
    ) -> Result<Page<ChannelView>, ServiceError> {
        let size = page.size()?;
        let counts = 1..=20;
        if !counts.contains(&fields.len())
            || fields.iter().any(|field| !counts.contains(&field.members.len()))
        {
            return Err(Refusal::bad_request(
                "AUTH-04",
                "Fields needs 1 to 20 fields of 1 to 20 values each.",
            )
            .into());
        }
        let instance = self.bearer.app_instance();
        let caller = CallerFacts::load(self.chime.store(), &instance, self.bearer).await?;
        let mut wanted: BTreeSet<&AppInstanceUserArn> =
            fields.iter().flat_map(|field| &field.members).collect();
        if wanted.iter().any(|member| !member.is_in(&instance)) {
            return Err(bad_target().into());
        }
        let visible_to = (!caller.admin.exists()).then_some(self.bearer);
        wanted.extend(visible_to);
        let mut common: Option<BTreeSet<String>> = None;
        for member in wanted {
            let theirs = self.channel_ids(member).await?;
            common = Some(match common {
                Some(common) => common.intersection(&theirs).cloned().collect(),
                None => theirs,
            });
        }
        let shown = format!("{fields:?}");
        let listing = ["SearchChannels", self.bearer.as_str(), shown.as_str()];
        let seal = self.chime.token_key();
        let after = page.next_token.as_deref().map(|token| seal.open(&listing, token)).transpose()?;
        let mut ids =
            common.unwrap_or_default().into_iter().filter(|id| after.as_ref().is_none_or(|after| id > after));
        let mut channels = Vec::new();
        let mut last = None;
        while channels.len() < size {
            let Some(id) = ids.next() else { break };
            let Ok(channel) = ChannelId::new(&id).map(|id| instance.channel(&id)) else { continue };
            if self.matches(&channel, fields).await? {
                channels.push(channel);
            }
            last = Some(id);
        }
        let next = last.filter(|_| ids.next().is_some()).map(|id| seal.seal(&listing, &id));
        Ok(Page { items: self.views(&channels).await?, next })
    }

    async fn channel_ids(&self, member: &AppInstanceUserArn) -> Result<BTreeSet<String>, ServiceError> {
        let parent = Relation::Member.of_user(member);
        let (mut ids, mut after) = (BTreeSet::new(), None);
        loop {
            let found = self.chime.store().scan(Scan::below(&parent, 500).after(after.take())).await?;
            let full = found.len() == 500;
            after = found.last().map(|(key, _)| key.clone());
            ids.extend(found.into_iter().map(|(key, _)| key.last().to_owned()));
            if !full {
                return Ok(ids);
            }
        }
    }

    /// The members of every field are members already; an EQUALS field allows no others.
    async fn matches(&self, channel: &ChannelArn, fields: &[SearchField]) -> Result<bool, ServiceError> {
        for field in fields.iter().filter(|field| field.operator == SearchOperator::Equals) {
            let parent = Relation::Member.of_channel(channel);
            let found = self.chime.store().scan(Scan::below(&parent, field.members.len() + 1)).await?;
            for (_, record) in &found {
                let membership = record.record.read::<Membership>()?;
                if !field.members.contains(&membership.member.arn) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
