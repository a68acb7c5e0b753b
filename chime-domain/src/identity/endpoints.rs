//! Endpoints: the devices of a user that notifications are pushed to.
//!
//! # Our choices
//!
//! - Registering a device again, with the token it has, is a Conflict; deregistering what is gone succeeds.
//! - Whether the `ResourceArn` names an application that pushes is found out when something is pushed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys;
use super::service::{Identity, take};
use super::types::AppInstanceUser;
use crate::arn::AppInstanceUserArn;
use crate::error::{Refusal, ServiceError};
use crate::flow::{Chime, Claim, Decision, Loaded, Token, fingerprint};
use crate::ids::ClientRequestToken;
use crate::limits::Quota;
use crate::page::{Page, PageRequest};
use crate::ports::{Change, Entity, Record, Scan};
use crate::text::Private;
use crate::time::Timestamp;

/// The service that reaches a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndpointType {
    /// Apple's.
    Apns,
    /// Apple's, for development.
    ApnsSandbox,
    /// Google's.
    Gcm,
}

/// Why an endpoint is not pushed to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndpointFault {
    /// The device is not known by its token.
    InvalidDeviceToken,
    /// The application is not known by its ARN.
    InvalidPinpointArn,
}

/// An endpoint of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEndpoint {
    /// Whose.
    pub user: AppInstanceUserArn,
    /// Its id, made by the service.
    pub id: Arc<str>,
    /// Its name, which may be empty.
    pub name: Private<String>,
    /// What reaches it.
    pub kind: EndpointType,
    /// ARN of the application that pushes.
    pub resource_arn: Arc<str>,
    /// Names the device.
    pub device_token: Private<String>,
    /// Names the device for calls.
    pub voip_device_token: Option<Private<String>>,
    /// It is to be pushed to.
    pub allow_messages: bool,
    /// It cannot be pushed to.
    pub fault: Option<EndpointFault>,
    /// When it was registered.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Entity for UserEndpoint {
    const NAME: &'static str = "endpoint";
}

/// `RegisterAppInstanceUserEndpoint`.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterEndpoint {
    /// Whose.
    pub user: AppInstanceUserArn,
    /// Its name.
    pub name: Private<String>,
    /// What reaches it.
    pub kind: EndpointType,
    /// ARN of the application that pushes.
    pub resource_arn: Arc<str>,
    /// Names the device.
    pub device_token: Private<String>,
    /// Names the device for calls.
    pub voip_device_token: Option<Private<String>>,
    /// It is to be pushed to.
    pub allow_messages: bool,
    /// Makes the registration repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

fn hidden_endpoint() -> Refusal {
    Refusal::forbidden("E-06", "The endpoint does not exist or is not visible to the caller.")
}

impl Identity<'_> {
    async fn endpoint(
        &self,
        user: &AppInstanceUserArn,
        id: &str,
    ) -> Result<(Loaded<AppInstanceUser>, Loaded<UserEndpoint>), ServiceError> {
        let owner = self.user(user).await?;
        let id_fits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !id_fits {
            return Err(hidden_endpoint().into());
        }
        let found = self.load::<UserEndpoint>(keys::endpoint(user, id)).await?;
        if found.exists() { Ok((owner, found)) } else { Err(hidden_endpoint().into()) }
    }

    /// `RegisterAppInstanceUserEndpoint`; gives the id.
    ///
    /// # Errors
    ///
    /// Forbidden without the user; a conflict when the user has registered the device already; the quota's refusal.
    pub async fn register_app_instance_user_endpoint(
        &self,
        command: RegisterEndpoint,
    ) -> Result<Arc<str>, ServiceError> {
        let (command, print) = (&command, &fingerprint(&command));
        self.chime
            .transact(|_| async move {
                let now = self.chime.now();
                let owner = self.user(&command.user).await?;
                let claim = match &command.client_request_token {
                    Some(token) => {
                        let scope = ["RegisterAppInstanceUserEndpoint", command.user.as_str()];
                        let claim =
                            Claim::new(self.load::<Token>(Claim::key(&scope, token)).await?, print.clone());
                        let gone = match claim.created() {
                            Some(id) => {
                                !self.load::<UserEndpoint>(keys::endpoint(&command.user, id)).await?.exists()
                            }
                            None => true,
                        };
                        Some(claim.freed(gone))
                    }
                    None => None,
                };
                if let Some(id) = claim.as_ref().map(|claim| claim.replay(now)).transpose()?.flatten() {
                    return Ok(Decision::reply(Arc::from(id)));
                }
                let known = self.chime.endpoints_of(&command.user).await?;
                let same = |known: &Loaded<UserEndpoint>| {
                    known.get().is_some_and(|known| known.device_token == command.device_token)
                };
                if known.iter().any(same) {
                    return Err(
                        Refusal::conflict("T-08", "The user has registered this device already.").into()
                    );
                }
                let id: Arc<str> = Arc::from(self.chime.entropy().uuid());
                let endpoint = UserEndpoint {
                    user: command.user.clone(),
                    id: Arc::clone(&id),
                    name: command.name.clone(),
                    kind: command.kind,
                    resource_arn: Arc::clone(&command.resource_arn),
                    device_token: command.device_token.clone(),
                    voip_device_token: command.voip_device_token.clone(),
                    allow_messages: command.allow_messages,
                    fault: None,
                    created: now,
                    updated: now,
                };
                let of = [command.user.app_instance_id(), command.user.user_id()];
                let decision = Decision::reply(Arc::clone(&id))
                    .guard(owner.guard())
                    .change(self.count(Quota::EndpointsPerUser, &of, 1))
                    .change(Change::Put(keys::endpoint(&command.user, &id), Record::of(endpoint)));
                Ok(take(decision, claim, &id, now))
            })
            .await
    }

    /// `DescribeAppInstanceUserEndpoint`.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn describe_app_instance_user_endpoint(
        &self,
        user: &AppInstanceUserArn,
        id: &str,
    ) -> Result<UserEndpoint, ServiceError> {
        let (_, found) = self.endpoint(user, id).await?;
        found.get().cloned().ok_or_else(|| hidden_endpoint().into())
    }

    /// `UpdateAppInstanceUserEndpoint`; what is absent stays.
    ///
    /// # Errors
    ///
    /// Forbidden when there is none.
    pub async fn update_app_instance_user_endpoint(
        &self,
        user: &AppInstanceUserArn,
        id: &str,
        name: Option<Private<String>>,
        allow_messages: Option<bool>,
    ) -> Result<(), ServiceError> {
        let name = &name;
        self.chime
            .transact(|_| async move {
                let (_, found) = self.endpoint(user, id).await?;
                let mut endpoint = found.get().cloned().ok_or_else(hidden_endpoint)?;
                endpoint.name = name.clone().unwrap_or(endpoint.name);
                endpoint.allow_messages = allow_messages.unwrap_or(endpoint.allow_messages);
                endpoint.updated = self.chime.now();
                Ok(Decision::reply(())
                    .guard(found.guard())
                    .change(Change::Put(found.key().clone(), Record::of(endpoint))))
            })
            .await
    }

    /// `DeregisterAppInstanceUserEndpoint`.
    ///
    /// # Errors
    ///
    /// Forbidden without the user; deregistering what is gone succeeds.
    pub async fn deregister_app_instance_user_endpoint(
        &self,
        user: &AppInstanceUserArn,
        id: &str,
    ) -> Result<(), ServiceError> {
        self.chime
            .transact(|_| async {
                let found = match self.endpoint(user, id).await {
                    Ok((_, found)) => found,
                    Err(error) => {
                        self.user(user).await?;
                        return if error.refusal().is_some() { Ok(Decision::reply(())) } else { Err(error) };
                    }
                };
                let of = [user.app_instance_id(), user.user_id()];
                Ok(Decision::reply(())
                    .guard(found.guard())
                    .change(self.count(Quota::EndpointsPerUser, &of, -1))
                    .change(Change::Delete(found.key().clone())))
            })
            .await
    }

    /// `ListAppInstanceUserEndpoints`.
    ///
    /// # Errors
    ///
    /// Forbidden without the user; a bad request when the page is not valid.
    pub async fn list_app_instance_user_endpoints(
        &self,
        user: &AppInstanceUserArn,
        page: &PageRequest,
    ) -> Result<Page<UserEndpoint>, ServiceError> {
        self.user(user).await?;
        self.list(&["ListAppInstanceUserEndpoints", user.as_str()], &keys::endpoints(user), page).await
    }
}

impl Chime {
    /// Every endpoint of a user.
    pub(crate) async fn endpoints_of(
        &self,
        user: &AppInstanceUserArn,
    ) -> Result<Vec<Loaded<UserEndpoint>>, ServiceError> {
        let most = usize::try_from(self.settings().limits.get(Quota::EndpointsPerUser)).unwrap_or(usize::MAX);
        let found = self.store().scan(Scan::below(&keys::endpoints(user), most)).await?;
        let decoded = found.into_iter().map(|(key, record)| Loaded::decode(key, Some(record)));
        Ok(decoded.collect::<Result<_, _>>()?)
    }
}
