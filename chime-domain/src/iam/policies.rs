//! Managed policies: the customer's own with their versions, and those that exist from the start.

use super::error::{IamCode, IamError, IamRefusal, invalid};
use super::paging::ListRequest;
use super::service::{Iam, count, taken};
use super::types::{CustomerPolicy, PolicyVersion};
use super::users::in_use;
use super::{keys, rules};
use crate::access::policy::Tag;
use crate::access::policy::managed::{MANAGED_POLICIES, ManagedPolicy, managed_policy};
use crate::flow::{Decision, Loaded};
use crate::page::Page;
use crate::ports::{Change, Key, Record};
use crate::time::Timestamp;

/// When the policies that exist from the start were made, as far as callers are told.
const BUILT_IN_SINCE: Timestamp = Timestamp::from_millis(1_510_000_000_000);

/// A managed policy of either kind, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySummary {
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its path.
    pub path: String,
    /// The number of the version in force.
    pub default: u32,
    /// To how many users and roles it is attached.
    pub attachments: u64,
    /// Whether callers can attach it.
    pub attachable: bool,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When its versions last changed.
    pub updated: Timestamp,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl From<&CustomerPolicy> for PolicySummary {
    fn from(policy: &CustomerPolicy) -> Self {
        Self {
            name: policy.name.clone(),
            id: policy.id.clone(),
            arn: policy.arn.clone(),
            path: policy.path.clone(),
            default: policy.default,
            attachments: policy.attachments.into(),
            attachable: true,
            description: policy.description.clone(),
            created: policy.created,
            updated: policy.updated,
            tags: policy.tags.clone(),
        }
    }
}

/// `CreatePolicy`.
#[derive(Clone, Debug)]
pub struct CreatePolicy {
    /// Its name.
    pub name: String,
    /// Its path; `/` when absent.
    pub path: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The document of its first version.
    pub document: String,
    /// Its first tags.
    pub tags: Vec<Tag>,
}

/// Whose policies a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyScope {
    /// Both.
    #[default]
    All,
    /// The policies that exist from the start.
    Aws,
    /// The customer's own.
    Local,
}

/// A policy that exists from the start.
pub(super) fn aws_managed(arn: &str) -> Option<&'static ManagedPolicy> {
    managed_policy(arn)
}

/// Counts the attachments of a policy that exists from the start.
pub(super) fn managed_counter(name: &str) -> Key {
    Key::new("count", &["iam-attached", name])
}

fn no_policy(arn: &str) -> IamError {
    IamError::new(IamCode::NoSuchEntity, format!("Policy {arn} does not exist or is not attachable."))
}

fn no_version(version: &str) -> IamError {
    IamError::new(IamCode::NoSuchEntity, format!("Policy version {version} does not exist."))
}

fn number(version: &str) -> Result<u32, IamRefusal> {
    let digits = version.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| invalid("A version id is v and a number, as in v2."))
}

impl Iam<'_> {
    /// The customer's policy of that ARN.
    pub(super) async fn customer_policy(
        &self,
        arn: &str,
    ) -> Result<(Loaded<CustomerPolicy>, CustomerPolicy), IamError> {
        if aws_managed(arn).is_some() {
            return Err(IamError::new(
                IamCode::AccessDenied,
                format!("The policy {arn} exists from the start and cannot be changed."),
            ));
        }
        let found = self.load::<CustomerPolicy>(policy_key(arn)).await?;
        match found.get().filter(|policy| policy.arn == arn).cloned() {
            Some(policy) => Ok((found, policy)),
            None => Err(no_policy(arn)),
        }
    }

    /// `CreatePolicy`.
    ///
    /// # Errors
    ///
    /// [`IamCode::EntityAlreadyExists`]; [`IamCode::MalformedPolicyDocument`]; [`IamCode::LimitExceeded`].
    pub async fn create_policy(&self, command: CreatePolicy) -> Result<PolicySummary, IamError> {
        rules::name("policyName", &command.name, 128)?;
        let path = command.path.as_deref().unwrap_or("/");
        rules::path(path)?;
        rules::managed_document(&command.document)?;
        rules::description(command.description.as_deref().unwrap_or_default())?;
        rules::tags(&command.tags)?;
        self.transact(|| async {
            let found = self.load::<CustomerPolicy>(keys::policy(&command.name)).await?;
            if found.exists() {
                return Err(taken("A policy", &command.name));
            }
            let now = self.chime.now();
            let policy = CustomerPolicy {
                name: command.name.clone(),
                path: path.to_owned(),
                id: self.unique_id("ANPA", 17),
                arn: self.arn("policy", path, &command.name),
                created: now,
                updated: now,
                description: command.description.clone(),
                versions: vec![PolicyVersion { number: 1, document: command.document.clone(), created: now }],
                default: 1,
                latest: 1,
                attachments: 0,
                tags: command.tags.clone(),
            };
            Ok(Decision::reply(PolicySummary::from(&policy))
                .guard(found.guard())
                .change(count(keys::counter("iam-policies"), 1, rules::POLICIES_PER_ACCOUNT))
                .change(Change::Put(found.key().clone(), Record::of(policy))))
        })
        .await
    }

    /// `GetPolicy`, of either kind.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn policy(&self, arn: &str) -> Result<PolicySummary, IamError> {
        match aws_managed(arn) {
            Some(policy) => self.built_in(policy).await,
            None => Ok(PolicySummary::from(&self.customer_policy(arn).await?.1)),
        }
    }

    async fn built_in(&self, policy: &ManagedPolicy) -> Result<PolicySummary, IamError> {
        Ok(PolicySummary {
            name: policy.name.into(),
            id: format!("ANPA{:A>17}", policy.name.to_ascii_uppercase().chars().take(17).collect::<String>()),
            arn: policy.arn.into(),
            path: policy.path.into(),
            default: 1,
            attachments: self.chime.store().count(&managed_counter(policy.name)).await?,
            attachable: !policy.path.starts_with("/aws-service-role/"),
            description: Some(policy.description.into()),
            created: BUILT_IN_SINCE,
            updated: BUILT_IN_SINCE,
            tags: Vec::new(),
        })
    }

    /// `ListPolicies`: the customer's own by name, then those that exist from the start.
    ///
    /// # Errors
    ///
    /// [`IamCode::Validation`] when the page is not valid.
    pub async fn list_policies(
        &self,
        scope: PolicyScope,
        only_attached: bool,
        request: &ListRequest,
    ) -> Result<Page<PolicySummary>, IamError> {
        let size = request.size()?;
        let prefix = request.path_prefix.as_deref().unwrap_or_default();
        let listing = ["policies", &format!("{scope:?}{only_attached}"), prefix];
        let position = self.position(&listing, request)?;
        let mut items = Vec::new();
        let start = match position.as_deref().and_then(|position| position.strip_prefix("aws ")) {
            Some(start) => start.parse().map_err(|_| invalid("Invalid Marker."))?,
            None if scope == PolicyScope::Aws => 0,
            None => {
                // The inner list has its own marker, which this one carries.
                let own = ListRequest { marker: position, ..request.clone() };
                let page = self
                    .page(keys::POLICIES, &own, |policy: &CustomerPolicy| {
                        request.wants(&policy.path) && (!only_attached || policy.attachments > 0)
                    })
                    .await?;
                items.extend(page.items.iter().map(PolicySummary::from));
                if let Some(next) = page.next {
                    return Ok(Page { items, next: Some(self.marker(&listing, &next)) });
                }
                0
            }
        };
        let built_in = if scope == PolicyScope::Local { &[] } else { MANAGED_POLICIES };
        for (at, policy) in built_in.iter().enumerate().skip(start) {
            let summary = self.built_in(policy).await?;
            if !request.wants(policy.path) || (only_attached && summary.attachments == 0) {
                continue;
            }
            if items.len() == size {
                return Ok(Page { items, next: Some(self.marker(&listing, &format!("aws {at}"))) });
            }
            items.push(summary);
        }
        Ok(Page { items, next: None })
    }

    /// `CreatePolicyVersion`.
    ///
    /// # Errors
    ///
    /// [`IamCode::LimitExceeded`] for the sixth version.
    pub async fn create_policy_version(
        &self,
        arn: &str,
        document: &str,
        set_default: bool,
    ) -> Result<(PolicyVersion, bool), IamError> {
        rules::managed_document(document)?;
        self.transact(|| async {
            let (found, mut policy) = self.customer_policy(arn).await?;
            if policy.versions.len() >= rules::POLICY_VERSIONS {
                return Err(IamError::new(
                    IamCode::LimitExceeded,
                    "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
                ));
            }
            let now = self.chime.now();
            policy.latest += 1;
            policy.updated = now;
            let version =
                PolicyVersion { number: policy.latest, document: document.to_owned(), created: now };
            policy.versions.push(version.clone());
            if set_default {
                policy.default = version.number;
            }
            Ok(Decision::reply((version, set_default))
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(policy))))
        })
        .await
    }

    /// `GetPolicyVersion`, with whether it is in force.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn policy_version(&self, arn: &str, version: &str) -> Result<(PolicyVersion, bool), IamError> {
        let wanted = number(version)?;
        let all = self.policy_versions(arn).await?;
        all.into_iter().find(|(known, _)| known.number == wanted).ok_or_else(|| no_version(version))
    }

    /// `ListPolicyVersions`: at most five, newest first, each with whether it is in force.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn policy_versions(&self, arn: &str) -> Result<Vec<(PolicyVersion, bool)>, IamError> {
        if let Some(policy) = aws_managed(arn) {
            let document = policy.document.to_owned();
            return Ok(vec![(PolicyVersion { number: 1, document, created: BUILT_IN_SINCE }, true)]);
        }
        let (_, policy) = self.customer_policy(arn).await?;
        let with_default = |version: PolicyVersion| {
            let in_force = version.number == policy.default;
            (version, in_force)
        };
        Ok(policy.versions.iter().rev().cloned().map(with_default).collect())
    }

    /// `SetDefaultPolicyVersion`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn set_default_policy_version(&self, arn: &str, version: &str) -> Result<(), IamError> {
        let wanted = number(version)?;
        self.transact(|| async {
            let (found, policy) = self.customer_policy(arn).await?;
            if policy.version(wanted).is_none() {
                return Err(no_version(version));
            }
            let policy = CustomerPolicy { default: wanted, updated: self.chime.now(), ..policy };
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(policy))))
        })
        .await
    }

    /// `DeletePolicyVersion`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::DeleteConflict`] for the version in force.
    pub async fn delete_policy_version(&self, arn: &str, version: &str) -> Result<(), IamError> {
        let wanted = number(version)?;
        self.transact(|| async {
            let (found, mut policy) = self.customer_policy(arn).await?;
            if policy.version(wanted).is_none() {
                return Err(no_version(version));
            }
            if policy.default == wanted {
                return Err(in_use("the default version of a policy goes with the policy"));
            }
            policy.versions.retain(|known| known.number != wanted);
            policy.updated = self.chime.now();
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(Change::Put(found.key().clone(), Record::of(policy))))
        })
        .await
    }

    /// `DeletePolicy`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::DeleteConflict`] while it is attached or has other versions.
    pub async fn delete_policy(&self, arn: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, policy) = self.customer_policy(arn).await?;
            if policy.attachments > 0 {
                return Err(in_use("it is attached; detach it from all users and roles first"));
            }
            if policy.versions.len() > 1 {
                return Err(in_use("must delete all non-default versions first"));
            }
            Ok(Decision::reply(())
                .guard(found.guard())
                .change(count(keys::counter("iam-policies"), -1, 0))
                .change(Change::Delete(found.key().clone())))
        })
        .await
    }
}

/// Where the policy of that ARN is kept, whether or not it exists.
pub(super) fn policy_key(arn: &str) -> Key {
    keys::policy(arn.rsplit('/').next().unwrap_or_default())
}
