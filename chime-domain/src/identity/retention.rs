//! Load, decide, commit: retention settings.

use super::rules::retention;
use super::service::Identity;
use super::{Retention, keys};
use crate::arn::AppInstanceArn;
use crate::error::ServiceError;
use crate::flow::{Decision, Task, TaskKind};
use crate::ports::{Change, Record};
use crate::time::Timestamp;

impl Identity<'_> {
    /// `PutAppInstanceRetentionSettings`; `None` turns retention off (rules RET-01 to RET-10).
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a bad request when the period is out of bounds.
    pub async fn put_app_instance_retention_settings(
        &self,
        arn: &AppInstanceArn,
        days: Option<u32>,
    ) -> Result<Retention, ServiceError> {
        self.chime
            .transact(|_| async {
                let now = self.chime.now();
                let instance = self.instance(arn).await?;
                let found = self.load::<Retention>(keys::retention(arn)).await?;
                let value = retention::put(found.get(), days, now)?;
                let sweep = retention::initiate_deletion(&value)
                    .map(|due| Task::new(TaskKind::SweepRetention, due, [arn.to_string()]).schedule());
                // What is gone for good under the setting before may not have been removed yet.
                let rest = (value.purged > Timestamp::MIN).then(|| {
                    let subject = [arn.to_string(), "once".to_owned()];
                    Task::new(TaskKind::SweepRetention, now, subject).schedule()
                });
                Ok(Decision::reply(value)
                    .guards([instance.guard(), found.guard()])
                    .change(Change::Put(found.key().clone(), Record::of(value)))
                    .changes(sweep)
                    .changes(rest))
            })
            .await
    }

    /// `GetAppInstanceRetentionSettings`; `None` when it was never set.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance.
    pub async fn get_app_instance_retention_settings(
        &self,
        arn: &AppInstanceArn,
    ) -> Result<Option<Retention>, ServiceError> {
        self.instance(arn).await?;
        Ok(self.load::<Retention>(keys::retention(arn)).await?.get().copied())
    }
}
