//! Users and their access keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{IamCode, IamError};
use super::paging::ListRequest;
use super::service::{Iam, count, missing, taken};
use super::types::{AccessKey, Held, Holder, User};
use super::{keys, rules};
use crate::access::policy::Tag;
use crate::flow::Decision;
use crate::page::Page;
use crate::ports::{Change, Record};
use crate::text::Private;

/// `CreateUser`.
#[derive(Clone, Debug)]
pub struct CreateUser {
    /// Its name.
    pub name: String,
    /// Its path; `/` when absent.
    pub path: Option<String>,
    /// Its first tags.
    pub tags: Vec<Tag>,
}

impl Iam<'_> {
    /// `CreateUser`.
    ///
    /// # Errors
    ///
    /// [`IamCode::EntityAlreadyExists`] when the name is taken, whatever its case.
    pub async fn create_user(&self, command: CreateUser) -> Result<User, IamError> {
        rules::name("userName", &command.name, User::NAME_LIMIT)?;
        let path = command.path.as_deref().unwrap_or("/");
        rules::path(path)?;
        rules::tags(&command.tags)?;
        self.transact(|| async {
            let found = self.load::<User>(keys::user(&command.name)).await?;
            if found.exists() {
                return Err(taken("User", &command.name));
            }
            let user = User {
                name: command.name.clone(),
                path: path.to_owned(),
                id: self.unique_id("AIDA", 17),
                arn: self.arn("user", path, &command.name),
                created: self.chime.now(),
                access_keys: Vec::new(),
                held: Held { tags: command.tags.clone(), ..Held::default() },
            };
            Ok(Decision::reply(user.clone())
                .guard(found.guard())
                .change(count(keys::counter("iam-users"), 1, rules::USERS_PER_ACCOUNT))
                .change(Change::Put(found.key().clone(), Record::of(user))))
        })
        .await
    }

    /// `GetUser`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn user(&self, name: &str) -> Result<User, IamError> {
        Ok(self.holder::<User>(name).await?.1)
    }

    /// `ListUsers`.
    ///
    /// # Errors
    ///
    /// [`IamCode::Validation`] when the page is not valid.
    pub async fn list_users(&self, request: &ListRequest) -> Result<Page<User>, IamError> {
        self.page(keys::USERS, request, |user: &User| request.wants(&user.path)).await
    }

    /// `UpdateUser`: renames or moves it. Its id, its keys and its policies stay.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::EntityAlreadyExists`].
    pub async fn update_user(
        &self,
        name: &str,
        new_name: Option<&str>,
        new_path: Option<&str>,
    ) -> Result<(), IamError> {
        new_name.map_or(Ok(()), |name| rules::name("newUserName", name, User::NAME_LIMIT))?;
        new_path.map_or(Ok(()), rules::path)?;
        self.transact(|| async {
            let (found, mut user) = self.holder::<User>(name).await?;
            let mut decision = Decision::reply(()).guard(found.guard());
            user.name = new_name.unwrap_or(&user.name).to_owned();
            user.path = new_path.unwrap_or(&user.path).to_owned();
            user.arn = self.arn("user", &user.path, &user.name);
            let key = keys::user(&user.name);
            if key != *found.key() {
                let other = self.load::<User>(key.clone()).await?;
                if other.exists() {
                    return Err(taken("User", &user.name));
                }
                decision = decision.guard(other.guard()).change(Change::Delete(found.key().clone()));
            }
            for id in &user.access_keys {
                let held = self.load::<AccessKey>(keys::access_key(id)).await?;
                if let Some(access_key) = held.get() {
                    let moved = AccessKey { user: user.name.clone(), ..access_key.clone() };
                    decision = decision.guard(held.guard());
                    decision = decision.change(Change::Put(held.key().clone(), Record::of(moved)));
                }
            }
            Ok(decision.change(Change::Put(key, Record::of(user))))
        })
        .await
    }

    /// `DeleteUser`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::DeleteConflict`] while keys or policies hang on it.
    pub async fn delete_user(&self, name: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, user) = self.holder::<User>(name).await?;
            if !user.access_keys.is_empty() {
                return Err(in_use("must delete access keys first"));
            }
            nothing_held(&user.held)?;
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(count(keys::counter("iam-users"), -1, 0))
                .change(Change::Delete(found.key().clone())))
        })
        .await
    }

    /// `CreateAccessKey`. The secret is told this once.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::LimitExceeded`] for the third key.
    pub async fn create_access_key(&self, user: &str) -> Result<AccessKey, IamError> {
        self.transact(|| async {
            let (found, mut user) = self.holder::<User>(user).await?;
            if user.access_keys.len() >= rules::ACCESS_KEYS_PER_USER {
                return Err(IamError::new(
                    IamCode::LimitExceeded,
                    format!("Cannot exceed quota for AccessKeysPerUser: {}", rules::ACCESS_KEYS_PER_USER),
                ));
            }
            let mut secret = [0; 30];
            self.chime.entropy().fill(&mut secret);
            let access_key = AccessKey {
                id: self.unique_id("AKIA", 16),
                secret: Private(STANDARD.encode(secret)),
                user: user.name.clone(),
                active: true,
                created: self.chime.now(),
            };
            let held = self.load::<AccessKey>(keys::access_key(&access_key.id)).await?;
            user.access_keys.push(access_key.id.clone());
            Ok(Decision::reply(access_key.clone())
                .guards([found.guard(), held.guard()])
                .change(Change::Put(found.key().clone(), Record::of(user)))
                .change(Change::Put(held.key().clone(), Record::of(access_key))))
        })
        .await
    }

    /// `ListAccessKeys`, oldest first. There are at most two, so there is one page.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn list_access_keys(&self, user: &str) -> Result<Vec<AccessKey>, IamError> {
        let (_, user) = self.holder::<User>(user).await?;
        let mut all = Vec::new();
        for id in &user.access_keys {
            all.extend(self.load::<AccessKey>(keys::access_key(id)).await?.get().cloned());
        }
        Ok(all)
    }

    /// An access key by its id alone.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn access_key(&self, id: &str) -> Result<AccessKey, IamError> {
        let found = self.load::<AccessKey>(keys::access_key(id)).await?;
        found.get().cloned().ok_or_else(|| no_key(id))
    }

    /// `UpdateAccessKey`: turns it on or off.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`], also for the key of another user.
    pub async fn update_access_key(&self, user: &str, id: &str, active: bool) -> Result<(), IamError> {
        self.transact(|| async {
            let (owner, user) = self.holder::<User>(user).await?;
            let found = self.load::<AccessKey>(keys::access_key(id)).await?;
            let access_key = found.get().filter(|_| user.access_keys.iter().any(|known| known == id));
            let Some(access_key) = access_key else { return Err(no_key(id)) };
            let changed = AccessKey { active, ..access_key.clone() };
            Ok(Decision::reply(())
                .guards([owner.guard(), found.guard()])
                .change(Change::Put(found.key().clone(), Record::of(changed))))
        })
        .await
    }

    /// `DeleteAccessKey`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`], also for the key of another user.
    pub async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, mut user) = self.holder::<User>(user).await?;
            let before = user.access_keys.len();
            user.access_keys.retain(|known| known != id);
            if user.access_keys.len() == before {
                return Err(no_key(id));
            }
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(user)))
                .change(Change::Delete(keys::access_key(id))))
        })
        .await
    }
}

fn no_key(id: &str) -> IamError {
    missing("Access Key", id)
}

pub(super) fn in_use(what: &str) -> IamError {
    IamError::new(IamCode::DeleteConflict, format!("Cannot delete entity, {what}."))
}

/// Nothing may hang on a user or role that is deleted.
pub(super) fn nothing_held(held: &Held) -> Result<(), IamError> {
    if !held.attached.is_empty() {
        return Err(in_use("must detach all policies first"));
    }
    if !held.inline.is_empty() {
        return Err(in_use("must delete policies first"));
    }
    Ok(())
}
