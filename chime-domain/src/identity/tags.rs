//! Load, decide, commit: tags.

use super::service::Identity;
use super::{Resource, Tag, Tags, keys};
use crate::arn::AppInstanceArn;
use crate::error::{Refusal, ServiceError, StoreError};
use crate::flow::{Decision, load};
use crate::ports::{Change, Guard, Key, Record};
use crate::text::TagKey;

impl Identity<'_> {
    /// The guard that the resource of some tags exists.
    async fn tagged(&self, resource: &Resource) -> Result<Guard, ServiceError> {
        let gone =
            || Refusal::forbidden("E-06", "The resource does not exist or is not visible to the caller.");
        match resource {
            Resource::AppInstance(arn) => Ok(self.instance(arn).await?.guard()),
            Resource::User(arn) => Ok(self.participant(arn).await?.guard()),
            // Records of a context to the right of this one; that they exist is all that counts.
            Resource::Channel(arn) => {
                let key = Key::new("channel", &[arn.app_instance_id(), arn.channel_id()]);
                self.exists(&arn.app_instance(), key).await?.ok_or_else(|| gone().into())
            }
            Resource::Flow(arn) => {
                let key = Key::new("channel-flow", &[arn.app_instance_id(), arn.flow_id()]);
                self.exists(&arn.app_instance(), key).await?.ok_or_else(|| gone().into())
            }
        }
    }

    async fn exists(&self, instance: &AppInstanceArn, key: Key) -> Result<Option<Guard>, ServiceError> {
        let found = self.chime.store().get(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
        self.instance(instance).await?;
        Ok(found.map(|found| Guard { key, revision: Some(found.revision) }))
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
                let known = found.get().cloned().unwrap_or_default();
                let all = known.with(&tags, &self.chime.settings().limits)?;
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
        Ok(self.tags_of(resource).await?)
    }

    /// The tags of a resource, by which policies decide before anybody learns whether it exists; none of what does not.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn tags_of(&self, resource: &Resource) -> Result<Vec<Tag>, StoreError> {
        Ok(load::<Tags>(self.chime.store(), keys::tags(resource)).await?.get().cloned().unwrap_or_default().0)
    }
}
