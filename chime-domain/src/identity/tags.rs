//! Load, decide, commit: tags.

use super::rules::tag;
use super::service::Identity;
use super::{Resource, Tag, Tags, keys};
use crate::error::{Refusal, ServiceError};
use crate::flow::Decision;
use crate::ports::{Change, Guard, Key, Record};
use crate::text::TagKey;

impl Identity<'_> {
    /// The guard that the resource of some tags exists.
    async fn tagged(&self, resource: &Resource) -> Result<Guard, ServiceError> {
        let gone =
            || Refusal::forbidden("E-06", "The resource does not exist or is not visible to the caller.");
        match resource {
            Resource::AppInstance(arn) => Ok(self.instance(arn).await?.guard()),
            Resource::User(arn) => Ok(self.user(arn).await?.guard()),
            Resource::Channel(arn) => {
                // The channel's record belongs to a context to the right of this one; that it exists is all that counts.
                let key = Key::new("channel", &[arn.app_instance_id(), arn.channel_id()]);
                let found =
                    self.chime.store().get(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
                self.instance(&arn.app_instance()).await?;
                let revision = found.ok_or_else(gone)?.revision;
                Ok(Guard { key, revision: Some(revision) })
            }
        }
    }

    /// `TagResource` (rule APP-21).
    ///
    /// # Errors
    ///
    /// Forbidden without the resource; the quota's refusal.
    pub async fn tag_resource(&self, resource: &Resource, tags: Vec<Tag>) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let guard = self.tagged(resource).await?;
                let found = self.load::<Tags>(keys::tags(resource)).await?;
                let all = tag(found.get(), tags.clone(), &self.chime.settings().limits)?;
                Ok(Decision::reply(())
                    .guards([guard, found.guard()])
                    .change(Change::Put(found.key().clone(), Record::of(all))))
            })
            .await
    }

    /// `UntagResource`; keys that are not there are passed over.
    ///
    /// # Errors
    ///
    /// Forbidden without the resource.
    pub async fn untag_resource(&self, resource: &Resource, gone: &[TagKey]) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                self.tagged(resource).await?;
                let found = self.load::<Tags>(keys::tags(resource)).await?;
                let Some(tags) = found.get() else { return Ok(Decision::reply(())) };
                let left = Tags(tags.0.iter().filter(|tag| !gone.contains(&tag.key)).cloned().collect());
                let change = if left.0.is_empty() {
                    Change::Delete(found.key().clone())
                } else {
                    Change::Put(found.key().clone(), Record::of(left))
                };
                Ok(Decision::reply(()).guard(found.guard()).change(change))
            })
            .await
    }

    /// `ListTagsForResource`.
    ///
    /// # Errors
    ///
    /// Forbidden without the resource.
    pub async fn list_tags_for_resource(&self, resource: &Resource) -> Result<Vec<Tag>, ServiceError> {
        self.tagged(resource).await?;
        Ok(self.load::<Tags>(keys::tags(resource)).await?.get().cloned().unwrap_or_default().0)
    }
}
