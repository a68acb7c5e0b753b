//! Roles.

use super::error::{IamError, invalid};
use super::paging::ListRequest;
use super::service::{Iam, count, taken};
use super::types::{Held, Holder, Role};
use super::users::nothing_held;
use super::{keys, rules};
use crate::access::policy::Tag;
use crate::flow::Decision;
use crate::page::Page;
use crate::ports::{Change, Record};

/// `CreateRole`.
#[derive(Clone, Debug)]
pub struct CreateRole {
    /// Its name.
    pub name: String,
    /// Its path; `/` when absent.
    pub path: Option<String>,
    /// Who may assume it.
    pub trust: String,
    /// What it is for.
    pub description: Option<String>,
    /// Longest session in seconds; an hour when absent.
    pub max_session: Option<u32>,
    /// Its first tags.
    pub tags: Vec<Tag>,
}

/// `UpdateRole`; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateRole {
    /// What it is for.
    pub description: Option<String>,
    /// Longest session in seconds.
    pub max_session: Option<u32>,
}

fn check_session(seconds: Option<u32>) -> Result<(), IamError> {
    match seconds {
        Some(seconds) if !rules::MAX_SESSION.contains(&seconds) => {
            Err(invalid(format!("MaxSessionDuration is {seconds}, outside 3600 to 43200.")).into())
        }
        _ => Ok(()),
    }
}

impl Iam<'_> {
    /// `CreateRole`.
    ///
    /// # Errors
    ///
    /// [`super::IamCode::EntityAlreadyExists`]; [`super::IamCode::MalformedPolicyDocument`] for its trust policy.
    pub async fn create_role(&self, command: CreateRole) -> Result<Role, IamError> {
        rules::name("roleName", &command.name, Role::NAME_LIMIT)?;
        let path = command.path.as_deref().unwrap_or("/");
        rules::path(path)?;
        if path.starts_with("/aws-service-role/") {
            return Err(invalid("The path /aws-service-role/ is for service-linked roles only.").into());
        }
        rules::trust_document(&command.trust)?;
        rules::description(command.description.as_deref().unwrap_or_default())?;
        rules::tags(&command.tags)?;
        check_session(command.max_session)?;
        self.transact(|| async {
            let found = self.load::<Role>(keys::role(&command.name)).await?;
            if found.exists() {
                return Err(taken("Role", &command.name));
            }
            let role = Role {
                name: command.name.clone(),
                path: path.to_owned(),
                id: self.unique_id("AROA", 17),
                arn: self.arn("role", path, &command.name),
                created: self.chime.now(),
                trust: command.trust.clone(),
                description: command.description.clone(),
                max_session: command.max_session.unwrap_or(*rules::MAX_SESSION.start()),
                service: None,
                held: Held { tags: command.tags.clone(), ..Held::default() },
            };
            Ok(Decision::reply(role.clone())
                .guard(found.guard())
                .change(count(keys::counter("iam-roles"), 1, rules::ROLES_PER_ACCOUNT))
                .change(Change::Put(found.key().clone(), Record::of(role))))
        })
        .await
    }

    /// `GetRole`.
    ///
    /// # Errors
    ///
    /// [`super::IamCode::NoSuchEntity`].
    pub async fn role(&self, name: &str) -> Result<Role, IamError> {
        Ok(self.holder::<Role>(name).await?.1)
    }

    /// `ListRoles`.
    ///
    /// # Errors
    ///
    /// [`super::IamCode::Validation`] when the page is not valid.
    pub async fn list_roles(&self, request: &ListRequest) -> Result<Page<Role>, IamError> {
        self.page(keys::ROLES, request, |role: &Role| request.wants(&role.path)).await
    }

    /// `UpdateRole`, and `UpdateRoleDescription`, which a service-linked role permits too (rule IAM-30).
    ///
    /// # Errors
    ///
    /// [`super::IamCode::NoSuchEntity`]; [`super::IamCode::UnmodifiableEntity`].
    pub async fn update_role(&self, name: &str, update: &UpdateRole) -> Result<Role, IamError> {
        rules::description(update.description.as_deref().unwrap_or_default())?;
        check_session(update.max_session)?;
        self.transact(|| async {
            let (found, mut role) = self.holder::<Role>(name).await?;
            if let Some(seconds) = update.max_session {
                role.changeable()?;
                role.max_session = seconds;
            }
            if update.description.is_some() {
                role.description.clone_from(&update.description);
            }
            Ok(Decision::reply(role.clone())
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(role))))
        })
        .await
    }

    /// `UpdateAssumeRolePolicy`.
    ///
    /// # Errors
    ///
    /// [`super::IamCode::NoSuchEntity`]; [`super::IamCode::MalformedPolicyDocument`].
    pub async fn update_trust(&self, name: &str, document: &str) -> Result<(), IamError> {
        rules::trust_document(document)?;
        self.transact(|| async {
            let (found, role) = self.changeable::<Role>(name).await?;
            let role = Role { trust: document.to_owned(), ..role };
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(role))))
        })
        .await
    }

    /// `DeleteRole`. Sessions of it end at once.
    ///
    /// # Errors
    ///
    /// [`super::IamCode::NoSuchEntity`]; [`super::IamCode::DeleteConflict`] while policies hang on it;
    /// [`super::IamCode::UnmodifiableEntity`] for a service-linked role.
    pub async fn delete_role(&self, name: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, role) = self.changeable::<Role>(name).await?;
            nothing_held(&role.held)?;
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(count(keys::counter("iam-roles"), -1, 0))
                .change(Change::Delete(found.key().clone())))
        })
        .await
    }
}
