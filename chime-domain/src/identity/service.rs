//! Load, decide, commit: app instances, users, administrators.

use super::keys;
use super::types::{
    AppInstance, AppInstanceAdmin, AppInstanceUser, CreateAppInstance, CreateAppInstanceUser, Expiration,
    Resource, Tag, Tags, Tombstone, UpdateAppInstance, UpdateAppInstanceUser,
};
use crate::arn::{AppInstanceArn, AppInstanceUserArn};
use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Claim, Decision, Loaded, Task, TaskKind, Token, fingerprint, load};
use crate::ids::ClientRequestToken;
use crate::limits::Quota;
use crate::page::{Page, PageRequest};
use crate::ports::{Change, Entity, Key, Record, Versioned};
use crate::time::Timestamp;

/// The operations of the context.
///
/// They ask for no acting user: whoever calls them was allowed to by its policies (rule ROLE-14).
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub(super) chime: &'a Chime,
}

impl Chime {
    /// App instances, users, administrators and their settings.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity { chime: self }
    }
}

pub(super) fn hidden_instance() -> Refusal {
    Refusal::forbidden("E-06", "The app instance does not exist or is not visible to the caller.")
}

pub(super) fn hidden_user() -> Refusal {
    Refusal::forbidden("E-06", "The app instance user does not exist or is not visible to the caller.")
}

fn being_removed() -> Refusal {
    Refusal::conflict("APP-11", "A deleted user of this id is still being removed.")
        .unless("try again in a moment.")
}

impl Identity<'_> {
    pub(super) async fn load<T: Entity>(&self, key: Key) -> Result<Loaded<T>, ServiceError> {
        Ok(load(self.chime.store(), key).await?)
    }

    pub(super) async fn instance(&self, arn: &AppInstanceArn) -> Result<Loaded<AppInstance>, ServiceError> {
        let found = self.load::<AppInstance>(keys::app_instance(arn)).await?;
        if found.get().is_some_and(|instance| instance.arn == *arn) {
            Ok(found)
        } else {
            Err(hidden_instance().into())
        }
    }

    /// The user; a bot is none.
    pub(super) async fn user(
        &self,
        arn: &AppInstanceUserArn,
    ) -> Result<Loaded<AppInstanceUser>, ServiceError> {
        let found = self.participant(arn).await?;
        if arn.is_bot() { Err(hidden_user().into()) } else { Ok(found) }
    }

    /// The user or bot.
    pub(super) async fn participant(
        &self,
        arn: &AppInstanceUserArn,
    ) -> Result<Loaded<AppInstanceUser>, ServiceError> {
        let found = self.load::<AppInstanceUser>(keys::user(arn)).await?;
        // The users of a deleted app instance are inaccessible before their records are removed (rule APP-12).
        self.instance(&arn.app_instance()).await?;
        if found.get().is_some_and(|user| user.arn == *arn) { Ok(found) } else { Err(hidden_user().into()) }
    }

    async fn claim(
        &self,
        scope: &[&str],
        token: Option<&ClientRequestToken>,
        fingerprint: String,
    ) -> Result<Option<Claim>, ServiceError> {
        let Some(token) = token else { return Ok(None) };
        let found = self.load::<Token>(Claim::key(scope, token)).await?;
        Ok(Some(Claim::new(found, fingerprint)))
    }

    /// `CreateAppInstance` (rules APP-01, APP-13).
    ///
    /// # Errors
    ///
    /// The quota's refusal; a conflict when the token was used with other parameters.
    pub async fn create_app_instance(
        &self,
        command: CreateAppInstance,
    ) -> Result<AppInstanceArn, ServiceError> {
        self.chime
            .transact(|_| async {
                let now = self.chime.now();
                let mut claim = self
                    .claim(
                        &["CreateAppInstance"],
                        command.client_request_token.as_ref(),
                        fingerprint(&command),
                    )
                    .await?;
                if let Some(earlier) =
                    claim.as_ref().and_then(Claim::created).and_then(|arn| AppInstanceArn::parse(arn).ok())
                {
                    let gone = !self.load::<AppInstance>(keys::app_instance(&earlier)).await?.exists();
                    claim = claim.map(|claim| claim.freed(gone));
                }
                if let Some(arn) = claim.as_ref().map(|claim| claim.replay(now)).transpose()?.flatten() {
                    return Ok(Decision::reply(
                        AppInstanceArn::parse(arn).map_err(|error| error.of("AppInstanceArn"))?,
                    ));
                }
                let arn = self.chime.new_app_instance_arn().map_err(|error| error.of("AppInstanceArn"))?;
                let instance = AppInstance {
                    arn: arn.clone(),
                    name: command.name.clone(),
                    metadata: command.metadata.clone(),
                    created: now,
                    updated: now,
                };
                let decision = Decision::reply(arn.clone())
                    .change(self.count(Quota::AppInstancesPerAccount, &[], 1))
                    .change(Change::Put(keys::app_instance(&arn), Record::of(instance)))
                    .changes(self.first_tags(&Resource::AppInstance(arn.clone()), &command.tags)?);
                Ok(take(decision, claim, arn.as_str(), now))
            })
            .await
    }

    /// `DescribeAppInstance`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn describe_app_instance(&self, arn: &AppInstanceArn) -> Result<AppInstance, ServiceError> {
        let instance = self.instance(arn).await?;
        instance.get().cloned().ok_or_else(|| hidden_instance().into())
    }

    /// `UpdateAppInstance`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn update_app_instance(
        &self,
        command: UpdateAppInstance,
    ) -> Result<AppInstanceArn, ServiceError> {
        self.chime
            .transact(|_| async {
                let found = self.instance(&command.arn).await?;
                let mut instance = found.get().cloned().ok_or_else(hidden_instance)?;
                instance.name = command.name.clone().unwrap_or(instance.name);
                instance.metadata = command.metadata.clone().unwrap_or(instance.metadata);
                instance.updated = self.chime.now();
                Ok(Decision::reply(command.arn.clone())
                    .guard(found.guard())
                    .change(Change::Put(found.key().clone(), Record::of(instance))))
            })
            .await
    }

    /// `DeleteAppInstance`: inaccessible at once, its contents are removed afterwards (rule APP-12).
    ///
    /// # Errors
    ///
    /// The store's errors; deleting what is gone succeeds.
    pub async fn delete_app_instance(&self, arn: &AppInstanceArn) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let found = self.load::<AppInstance>(keys::app_instance(arn)).await?;
                if found.get().is_none_or(|instance| instance.arn != *arn) {
                    return Ok(Decision::reply(()));
                }
                let purge = Task::new(TaskKind::PurgeAppInstance, self.chime.now(), [arn.to_string()]);
                Ok(Decision::reply(())
                    .guard(found.guard())
                    .change(Change::Delete(found.key().clone()))
                    .change(self.count(Quota::AppInstancesPerAccount, &[], -1))
                    .change(purge.schedule())
                    .announce(super::events::app_instance_deleted(arn)))
            })
            .await
    }

    /// `ListAppInstances`.
    ///
    /// # Errors
    ///
    /// A bad request when the page is not valid.
    pub async fn list_app_instances(&self, page: &PageRequest) -> Result<Page<AppInstance>, ServiceError> {
        self.list(&["ListAppInstances"], &keys::app_instances(), page).await
    }

    /// `CreateAppInstanceUser` (rules APP-06, APP-14).
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a conflict when the id is taken (wire rule T-08); the quota's refusal.
    pub async fn create_app_instance_user(
        &self,
        command: CreateAppInstanceUser,
    ) -> Result<AppInstanceUserArn, ServiceError> {
        let arn = command.app_instance.user(&command.id);
        self.chime
            .transact(|_| async {
                let now = self.chime.now();
                let instance = self.instance(&command.app_instance).await?;
                let user = self.load::<AppInstanceUser>(keys::user(&arn)).await?;
                let scope = ["CreateAppInstanceUser", command.app_instance.app_instance_id()];
                let claim =
                    self.claim(&scope, command.client_request_token.as_ref(), fingerprint(&command)).await?;
                // The token is freed when the user it made is gone; another user's token is another user's.
                let claim = match claim {
                    Some(claim) => {
                        let earlier = claim.created().and_then(|arn| AppInstanceUserArn::parse(arn).ok());
                        let gone = match earlier {
                            Some(earlier) => {
                                !self.load::<AppInstanceUser>(keys::user(&earlier)).await?.exists()
                            }
                            None => true,
                        };
                        Some(claim.freed(gone))
                    }
                    None => None,
                };
                if claim.as_ref().map(|claim| claim.replay(now)).transpose()?.flatten().is_some() {
                    return Ok(Decision::reply(arn.clone()));
                }
                if user.exists() {
                    return Err(
                        Refusal::conflict("T-08", "The app instance has a user of this id already.").into()
                    );
                }
                let leaving = self.load::<Tombstone>(keys::deleted_user(&arn)).await?;
                if leaving.exists() {
                    return Err(being_removed().into());
                }
                let value = AppInstanceUser {
                    arn: arn.clone(),
                    name: command.name.clone(),
                    metadata: command.metadata.clone(),
                    created: now,
                    updated: now,
                    expiration: command.expiration,
                };
                let decision = Decision::reply(arn.clone())
                    .guards([instance.guard(), user.guard(), leaving.guard()])
                    .change(self.count(Quota::UsersPerAppInstance, &[arn.app_instance_id()], 1))
                    .changes(expiry(&value))
                    .change(Change::Put(user.key().clone(), Record::of(value)))
                    .changes(self.first_tags(&Resource::User(arn.clone()), &command.tags)?);
                Ok(take(decision, claim, arn.as_str(), now))
            })
            .await
    }

    /// `DescribeAppInstanceUser`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn describe_app_instance_user(
        &self,
        arn: &AppInstanceUserArn,
    ) -> Result<AppInstanceUser, ServiceError> {
        let user = self.user(arn).await?;
        user.get().cloned().ok_or_else(|| hidden_user().into())
    }

    /// `UpdateAppInstanceUser`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn update_app_instance_user(
        &self,
        command: UpdateAppInstanceUser,
    ) -> Result<AppInstanceUserArn, ServiceError> {
        self.chime
            .transact(|_| async {
                let found = self.user(&command.arn).await?;
                let mut user = found.get().cloned().ok_or_else(hidden_user)?;
                user.name = command.name.clone().unwrap_or(user.name);
                user.metadata = command.metadata.clone().unwrap_or(user.metadata);
                user.updated = self.chime.now();
                Ok(Decision::reply(command.arn.clone())
                    .guard(found.guard())
                    .change(Change::Put(found.key().clone(), Record::of(user))))
            })
            .await
    }

    /// `PutAppInstanceUserExpirationSettings`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is no such user; a bad request for a criterion that users do not have.
    pub async fn put_app_instance_user_expiration_settings(
        &self,
        arn: &AppInstanceUserArn,
        expiration: Option<Expiration>,
    ) -> Result<Option<Expiration>, ServiceError> {
        if expiration.is_some_and(|e| e.criterion != super::ExpirationCriterion::CreatedTimestamp) {
            return Err(Refusal::bad_request(
                "RET-02",
                "ExpirationCriterion of a user must be CREATED_TIMESTAMP.",
            )
            .into());
        }
        self.chime
            .transact(|_| async {
                let found = self.user(arn).await?;
                let mut user = found.get().cloned().ok_or_else(hidden_user)?;
                user.expiration = expiration;
                user.updated = self.chime.now();
                Ok(Decision::reply(expiration)
                    .guard(found.guard())
                    .changes(expiry(&user))
                    .change(Change::Put(found.key().clone(), Record::of(user))))
            })
            .await
    }

    /// `DeleteAppInstanceUser`: its memberships, moderator rows, bans and admin row go too, its messages stay
    /// (rule APP-11).
    ///
    /// # Errors
    ///
    /// The store's errors; deleting what is gone succeeds.
    pub async fn delete_app_instance_user(&self, arn: &AppInstanceUserArn) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let now = self.chime.now();
                let found = self.load::<AppInstanceUser>(keys::user(arn)).await?;
                if arn.is_bot() || found.get().is_none_or(|user| user.arn != *arn) {
                    return Ok(Decision::reply(()));
                }
                let admin = self.load::<AppInstanceAdmin>(keys::admin(arn)).await?;
                let purge = Task::new(TaskKind::PurgeUser, now, [arn.to_string()]);
                let id = arn.app_instance_id();
                let mut decision = Decision::reply(())
                    .guards([found.guard(), admin.guard()])
                    .change(Change::Delete(found.key().clone()))
                    .change(Change::Delete(keys::tags(&Resource::User(arn.clone()))))
                    .change(self.count(Quota::UsersPerAppInstance, &[id], -1))
                    .change(Change::Put(keys::deleted_user(arn), Record::of(Tombstone { deleted: now })))
                    .change(purge.schedule())
                    .announce(super::events::user_deleted(arn));
                if admin.exists() {
                    decision = decision.change(Change::Delete(admin.key().clone())).change(self.count(
                        Quota::AdminsPerAppInstance,
                        &[id],
                        -1,
                    ));
                }
                Ok(decision)
            })
            .await
    }

    /// `ListAppInstanceUsers`.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a bad request when the page is not valid.
    pub async fn list_app_instance_users(
        &self,
        arn: &AppInstanceArn,
        page: &PageRequest,
    ) -> Result<Page<AppInstanceUser>, ServiceError> {
        self.instance(arn).await?;
        let listing = ["ListAppInstanceUsers", arn.as_str()];
        self.chime
            .page(&listing, &keys::users(arn), page, |_, found| {
                let user = found.record.read::<AppInstanceUser>()?;
                Ok((!user.arn.is_bot()).then(|| AppInstanceUser::clone(&user)))
            })
            .await
    }

    /// `CreateAppInstanceAdmin` (rules APP-08, APP-15).
    ///
    /// # Errors
    ///
    /// Forbidden without the user; a conflict when it is one already; the quota's refusal.
    pub async fn create_app_instance_admin(
        &self,
        app_instance: &AppInstanceArn,
        arn: &AppInstanceUserArn,
    ) -> Result<AppInstanceAdmin, ServiceError> {
        self.chime
            .transact(|_| async {
                self.instance(app_instance).await?;
                if !arn.is_in(app_instance) {
                    return Err(hidden_user().into());
                }
                let user = self.participant(arn).await?;
                let found = self.load::<AppInstanceAdmin>(keys::admin(arn)).await?;
                if found.exists() {
                    return Err(Refusal::conflict("T-08", "The user is an administrator already.").into());
                }
                let admin = user.get().ok_or_else(hidden_user)?.identity();
                let value = AppInstanceAdmin { admin, created: self.chime.now() };
                Ok(Decision::reply(value.clone())
                    .guards([user.guard(), found.guard()])
                    .change(self.count(Quota::AdminsPerAppInstance, &[arn.app_instance_id()], 1))
                    .change(Change::Put(found.key().clone(), Record::of(value))))
            })
            .await
    }

    /// `DescribeAppInstanceAdmin`.
    ///
    /// # Errors
    ///
    /// Forbidden when the user is none.
    pub async fn describe_app_instance_admin(
        &self,
        app_instance: &AppInstanceArn,
        arn: &AppInstanceUserArn,
    ) -> Result<AppInstanceAdmin, ServiceError> {
        self.instance(app_instance).await?;
        let found = self.load::<AppInstanceAdmin>(keys::admin(arn)).await?;
        let admin = found.get().filter(|found| found.admin.arn == *arn && arn.is_in(app_instance)).cloned();
        admin.ok_or_else(|| {
            Refusal::forbidden("E-06", "The user is not an administrator of the app instance.").into()
        })
    }

    /// `DeleteAppInstanceAdmin`: demotes, the user stays (rule APP-10).
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; demoting who is no administrator succeeds.
    pub async fn delete_app_instance_admin(
        &self,
        app_instance: &AppInstanceArn,
        arn: &AppInstanceUserArn,
    ) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                self.instance(app_instance).await?;
                let found = self.load::<AppInstanceAdmin>(keys::admin(arn)).await?;
                if found.get().is_none_or(|found| found.admin.arn != *arn) || !arn.is_in(app_instance) {
                    return Ok(Decision::reply(()));
                }
                Ok(Decision::reply(())
                    .guard(found.guard())
                    .change(Change::Delete(found.key().clone()))
                    .change(self.count(Quota::AdminsPerAppInstance, &[arn.app_instance_id()], -1)))
            })
            .await
    }

    /// `ListAppInstanceAdmins`.
    ///
    /// # Errors
    ///
    /// Forbidden without the app instance; a bad request when the page is not valid.
    pub async fn list_app_instance_admins(
        &self,
        arn: &AppInstanceArn,
        page: &PageRequest,
    ) -> Result<Page<AppInstanceAdmin>, ServiceError> {
        self.instance(arn).await?;
        self.list(&["ListAppInstanceAdmins", arn.as_str()], &keys::admins(arn), page).await
    }

    pub(super) fn count(&self, quota: Quota, of: &[&str], by: i64) -> Change {
        let at_most = (by > 0).then(|| self.chime.settings().limits.get(quota));
        Change::Count { counter: keys::counter(quota, of), by, at_most }
    }

    pub(super) fn first_tags(&self, resource: &Resource, tags: &[Tag]) -> Result<Option<Change>, Refusal> {
        if tags.is_empty() {
            return Ok(None);
        }
        let tags = Tags::default().with(tags, &self.chime.settings().limits)?;
        Ok(Some(Change::Put(keys::tags(resource), Record::of(tags))))
    }

    pub(super) async fn list<T: Entity + Clone>(
        &self,
        listing: &[&str],
        parent: &Key,
        page: &PageRequest,
    ) -> Result<Page<T>, ServiceError> {
        let pick = |_: &Key, found: &Versioned| found.record.read::<T>().map(|value| Some(T::clone(&value)));
        self.chime.page(listing, parent, page, pick).await
    }
}

pub(super) fn take<R>(
    decision: Decision<R>,
    claim: Option<Claim>,
    created: &str,
    now: Timestamp,
) -> Decision<R> {
    match claim {
        Some(claim) => {
            let (guard, changes) = claim.take(created, now);
            decision.guard(guard).changes(changes)
        }
        None => decision,
    }
}

fn expiry(user: &AppInstanceUser) -> Option<Change> {
    let expiration = user.expiration?;
    let due = user.created.plus_days(expiration.days);
    Some(Task::new(TaskKind::ExpireUser, due, [user.arn.to_string()]).schedule())
}
