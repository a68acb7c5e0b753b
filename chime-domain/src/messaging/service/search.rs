//! `SearchChannels`.

use std::collections::BTreeSet;

use super::Messaging;
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::error::{Refusal, ServiceError};
use crate::ids::ChannelId;
use crate::messaging::facts::{CallerFacts, bad_target};
use crate::messaging::keys::Relation;
use crate::messaging::types::{ChannelView, Membership, SearchField, SearchOperator};
use crate::page::{Page, PageRequest};
use crate::ports::Scan;

/// Channels that one request looks at. It is a bound on its work: a page may hold less than it was to hold, or nothing,
/// and have others after it.
const LOOKED: usize = 1000;

/// What a search looks at.
struct Candidates {
    /// In their order.
    ids: Vec<String>,
    /// Others may come after this one.
    more: Option<String>,
}

impl Messaging<'_> {
    /// `SearchChannels`: channels by their members. Administrators search all channels of the app instance, others
    /// those that they are members of. A page may be short, or empty, and not the last: one request looks at 1,000
    /// channels at most.
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
        let shown = format!("{fields:?}");
        let listing = ["SearchChannels", self.bearer.as_str(), shown.as_str()];
        let seal = self.chime.token_key();
        let after = page.next_token.as_deref().map(|token| seal.open(&listing, token)).transpose()?;
        let candidates = self.candidates(&instance, &wanted, after).await?;
        let (mut channels, mut last) = (Vec::new(), None);
        let mut ids = candidates.ids.into_iter();
        while channels.len() < size {
            let Some(id) = ids.next() else { break };
            let Ok(channel) = ChannelId::new(&id).map(|id| instance.channel(&id)) else { continue };
            if self.matches(&channel, fields).await? {
                channels.push(channel);
            }
            last = Some(id);
        }
        let next = if ids.len() > 0 { last } else { candidates.more };
        let next = next.map(|id| seal.seal(&listing, &id));
        Ok(Page { items: self.views(&channels).await?, next })
    }

    /// Channels after `after` that all of `wanted` are members of, as far as one request looks.
    async fn candidates(
        &self,
        instance: &AppInstanceArn,
        wanted: &BTreeSet<&AppInstanceUserArn>,
        after: Option<String>,
    ) -> Result<Candidates, ServiceError> {
        let after = after.and_then(|id| ChannelId::new(&id).ok()).map(|id| instance.channel(&id));
        // Whoever is in few channels saves looking at those that the others are in.
        let mut fewest: Option<Vec<String>> = None;
        for member in wanted {
            let theirs = self.channel_ids(member, after.as_ref()).await?;
            let all = theirs.len() < LOOKED;
            if fewest.as_ref().is_none_or(|fewest| theirs.len() < fewest.len()) {
                fewest = Some(theirs);
            }
            if all {
                break;
            }
        }
        let mut ids = fewest.unwrap_or_default();
        let more = (ids.len() == LOOKED).then(|| ids.last().cloned()).flatten();
        for member in wanted {
            let key = |id: &String| {
                ChannelId::new(id).ok().map(|id| Relation::Member.index(&instance.channel(&id), member))
            };
            let keys: Vec<_> = ids.iter().filter_map(key).collect();
            let found = self.chime.store().get(&keys).await?;
            ids = keys
                .iter()
                .zip(found)
                .filter(|(_, found)| found.is_some())
                .map(|(key, _)| key.last().to_owned())
                .collect();
        }
        Ok(Candidates { ids, more })
    }

    /// The first channels of a member after one of them, at most [`LOOKED`].
    async fn channel_ids(
        &self,
        member: &AppInstanceUserArn,
        after: Option<&ChannelArn>,
    ) -> Result<Vec<String>, ServiceError> {
        let after = after.map(|channel| Relation::Member.index(channel, member));
        let scan = Scan::below(&Relation::Member.of_user(member), LOOKED).after(after);
        Ok(self.chime.store().scan(scan).await?.into_iter().map(|(key, _)| key.last().to_owned()).collect())
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
