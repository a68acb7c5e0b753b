//! `SearchChannels`.

use std::collections::BTreeSet;

use super::Messaging;
use crate::access::MembershipType;
use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use crate::error::{Refusal, ServiceError};
use crate::flow::{Loaded, load};
use crate::ids::ChannelId;
use crate::messaging::facts::{CallerFacts, bad_target};
use crate::messaging::keys::Relation;
use crate::messaging::types::{ChannelView, Membership, Moderator, SearchField, SearchOperator};
use crate::page::{Page, PageRequest};
use crate::ports::Scan;

/// Channels that one request looks at. It is a bound on its work: a page may hold less than it was to hold, or nothing,
/// and have others after it.
const LOOKED: usize = 1000;
/// HIDDEN members that are passed over at a time.
const HIDDEN_AT_ONCE: usize = 50;

/// What a search looks at.
struct Candidates {
    /// In their order.
    ids: Vec<String>,
    /// Others may come after this one.
    more: Option<String>,
}

impl Messaging<'_> {
    /// `SearchChannels`: channels by their members. Administrators search all channels of the app instance, others
    /// those that they are members of, by the memberships that they see (rule CHN-10). A page may be short, or empty, and not the last: one request looks at 1,000
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
            if self.matches(&channel, fields, &wanted, caller.admin.exists()).await? {
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

    /// The members of every field are members already; an EQUALS field allows no others. What counts is what the caller
    /// sees of the channel (rule CHN-10).
    async fn matches(
        &self,
        channel: &ChannelArn,
        fields: &[SearchField],
        wanted: &BTreeSet<&AppInstanceUserArn>,
        admin: bool,
    ) -> Result<bool, ServiceError> {
        let moderator = Relation::Moderator.key(channel, self.bearer);
        let all = admin || load::<Moderator>(self.chime.store(), moderator).await?.exists();
        if !all && self.hides_some(channel, wanted).await? {
            return Ok(false);
        }
        for field in fields.iter().filter(|field| field.operator == SearchOperator::Equals) {
            if self.has_others(channel, field, all).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a membership of one of `wanted` is hidden from the caller.
    async fn hides_some(
        &self,
        channel: &ChannelArn,
        wanted: &BTreeSet<&AppInstanceUserArn>,
    ) -> Result<bool, ServiceError> {
        let keys: Vec<_> = wanted.iter().map(|member| Relation::Member.key(channel, member)).collect();
        let found = self.chime.store().get(&keys).await?;
        for (key, found) in keys.into_iter().zip(found) {
            let membership = Loaded::<Membership>::decode(key, found)?;
            if membership.get().is_some_and(|membership| !self.shows(membership)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a channel has members beside those of a field; HIDDEN ones of others count if the caller sees `all`.
    async fn has_others(
        &self,
        channel: &ChannelArn,
        field: &SearchField,
        all: bool,
    ) -> Result<bool, ServiceError> {
        let (parent, mut after) = (Relation::Member.of_channel(channel), None);
        // Who sees all meets another member among the first of these, if there is one.
        let chunk = field.members.len() + if all { 1 } else { HIDDEN_AT_ONCE };
        loop {
            let found = self.chime.store().scan(Scan::below(&parent, chunk).after(after)).await?;
            for (_, record) in &found {
                let membership = record.record.read::<Membership>()?;
                let seen = all || self.shows(&membership);
                if seen && !field.members.contains(&membership.member.arn) {
                    return Ok(true);
                }
            }
            after = found.last().map(|(key, _)| key.clone());
            if found.len() < chunk {
                return Ok(false);
            }
        }
    }

    /// Whether a membership is one that everybody sees, or the caller's own.
    fn shows(&self, membership: &Membership) -> bool {
        membership.kind == MembershipType::Default || membership.member.arn == *self.bearer
    }
}
