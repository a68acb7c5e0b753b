//! `ListSubChannels`.

use super::seat::bad;
use super::types::{SubChannel, SubChannelSummary};
use crate::access::Action;
use crate::arn::ChannelArn;
use crate::error::ServiceError;
use crate::messaging::facts::Missing;
use crate::messaging::keys;
use crate::messaging::service::Messaging;
use crate::page::{Page, PageRequest};

impl Messaging<'_> {
    /// `ListSubChannels`: to administrators and moderators.
    ///
    /// # Errors
    ///
    /// Forbidden by role; a bad request when the channel is not elastic or the page is not valid.
    pub async fn list_sub_channels(
        &self,
        channel: &ChannelArn,
        page: &PageRequest,
    ) -> Result<Page<SubChannelSummary>, ServiceError> {
        let (chime, bearer) = self.parts();
        let facts = self.facts(channel, &[]).await?;
        // The documents let the same roles list sub-channels as moderators.
        let found = facts.authorize(Action::ListChannelModerators, Missing::Forbidden, chime.settings())?;
        if found.elastic.is_none() {
            return Err(bad("The channel is not elastic.").into());
        }
        let listing = ["ListSubChannels", channel.as_str(), bearer.as_str()];
        let subs = chime
            .page(&listing, &keys::sub_channels(channel), page, |_, found| {
                Ok(Some(found.record.read::<SubChannel>()?.id.clone()))
            })
            .await?;
        let mut items = Vec::with_capacity(subs.items.len());
        for id in subs.items {
            let members = chime.members_in(channel, &id).await?;
            items.push(SubChannelSummary { id, members });
        }
        Ok(Page { items, next: subs.next })
    }
}
