//! The service-linked role of streaming (rules IAM-28 to IAM-31).

use super::error::{IamCode, IamError, invalid};
use super::service::{Iam, missing};
use super::types::{Held, Role};
use super::{keys, rules};
use crate::access::policy::managed::{STREAMING_POLICY_ARN, STREAMING_ROLE, STREAMING_ROLE_TRUST};
use crate::error::StoreError;
use crate::flow::{Decision, load};
use crate::ports::{Change, Guard, Record, Scan};

/// The service that the role trusts (rule IAM-28).
const SERVICE: &str = "chime.amazonaws.com";
/// The name under which today's clients create it.
const SERVICE_TODAY: &str = "messaging.chime.amazonaws.com";

/// How a deletion of a service-linked role went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The role is gone.
    Succeeded,
    /// The role was in use and is still there (rule IAM-31).
    Failed,
}

impl Iam<'_> {
    fn streaming_role(&self, description: Option<String>) -> Role {
        let path = format!("/aws-service-role/{SERVICE}/");
        Role {
            name: STREAMING_ROLE.into(),
            id: self.unique_id("AROA", 17),
            arn: self.arn("role", &path, STREAMING_ROLE),
            path,
            created: self.chime.now(),
            trust: STREAMING_ROLE_TRUST.into(),
            description,
            max_session: *rules::MAX_SESSION.start(),
            service: Some(SERVICE.into()),
            held: Held { attached: vec![STREAMING_POLICY_ARN.into()], ..Held::default() },
        }
    }

    /// Guard and change that make the streaming role exist, to be committed with a streaming configuration
    /// (rule IAM-30).
    ///
    /// The role is written even when it exists: its deletion, which found no configuration, then fails.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(crate) async fn ensure_streaming_role(&self) -> Result<(Guard, Change), StoreError> {
        let found = load::<Role>(self.chime.store(), keys::role(STREAMING_ROLE)).await?;
        let role = match found.get() {
            Some(role) => role.clone(),
            None => self.streaming_role(None),
        };
        Ok((found.guard(), Change::Put(found.key().clone(), Record::of(role))))
    }

    /// `CreateServiceLinkedRole`.
    ///
    /// # Errors
    ///
    /// [`IamCode::InvalidInput`] when the role exists, as IAM says it, or for another service.
    pub async fn create_service_linked_role(
        &self,
        service: &str,
        description: Option<String>,
    ) -> Result<Role, IamError> {
        if ![SERVICE, SERVICE_TODAY].contains(&service) {
            let message = format!("{service} has no service-linked role here; {SERVICE} has.");
            return Err(IamError::new(IamCode::InvalidInput, message));
        }
        rules::description(description.as_deref().unwrap_or_default())?;
        self.transact(|| async {
            let found = self.load::<Role>(keys::role(STREAMING_ROLE)).await?;
            if found.exists() {
                let message = format!("Service role name {STREAMING_ROLE} has been taken in this account.");
                return Err(IamError::new(IamCode::InvalidInput, message));
            }
            let role = self.streaming_role(description.clone());
            Ok(Decision::reply(role.clone())
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(role))))
        })
        .await
    }

    /// `DeleteServiceLinkedRole`: deletes it now unless it is in use, and gives the id of a task that tells how it went.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::Validation`] for a role that is not service-linked.
    pub async fn delete_service_linked_role(&self, name: &str) -> Result<String, IamError> {
        self.transact(|| async {
            let (found, role) = self.holder::<Role>(name).await?;
            let Some(service) = &role.service else {
                return Err(invalid(format!("The role {name} is not a service-linked role.")).into());
            };
            let task = format!("task/aws-service-role/{service}/{}/{}", role.name, role.id);
            let decision = Decision::reply(task).guard(found.guard());
            Ok(if self.is_streaming().await? {
                decision
            } else {
                decision.change(Change::Delete(found.key().clone()))
            })
        })
        .await
    }

    /// `GetServiceLinkedRoleDeletionStatus`: whether the role that the task was to delete is gone.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`] when there is no such task.
    pub async fn service_linked_role_deletion(&self, task: &str) -> Result<Deletion, IamError> {
        let mut parts = task.split('/').skip(3);
        let (Some(name), Some(id), true) =
            (parts.next(), parts.next(), task.starts_with("task/aws-service-role/"))
        else {
            return Err(missing("deletion task", task));
        };
        let found = self.load::<Role>(keys::role(name)).await?;
        Ok(match found.get() {
            Some(role) if role.id == id => Deletion::Failed,
            _ => Deletion::Succeeded,
        })
    }

    async fn is_streaming(&self) -> Result<bool, IamError> {
        Ok(!self.chime.store().scan(Scan::below(&keys::streaming(), 1)).await?.is_empty())
    }
}
