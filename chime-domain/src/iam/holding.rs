//! What users and roles hold: inline policies, attached policies, tags.

use super::error::{IamCode, IamError};
use super::paging::ListRequest;
use super::policies::{aws_managed, managed_counter};
use super::rules;
use super::service::Iam;
use super::types::{CustomerPolicy, Holder};
use crate::access::policy::{PolicyDocument, Tag, managed};
use crate::flow::{Decision, Loaded};
use crate::page::Page;
use crate::ports::{Change, Record};

/// A managed policy attached to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

fn put<H: Holder, R>(reply: R, found: &Loaded<H>, holder: H) -> Decision<R> {
    Decision::reply(reply).guard(found.guard()).change(Change::Put(found.key().clone(), Record::of(holder)))
}

fn no_inline(name: &str) -> IamError {
    super::service::missing("policy", name)
}

impl Iam<'_> {
    /// `PutUserPolicy`, `PutRolePolicy`: an inline policy, new or in place of one with that name.
    ///
    /// # Errors
    ///
    /// [`IamCode::MalformedPolicyDocument`]; [`IamCode::LimitExceeded`] when all inline policies together are too long.
    pub async fn put_inline_policy<H: Holder>(
        &self,
        holder: &str,
        name: &str,
        document: &str,
    ) -> Result<(), IamError> {
        rules::name("policyName", name, 128)?;
        PolicyDocument::parse(document)?;
        self.transact(|| async {
            let (found, mut value) = self.changeable::<H>(holder).await?;
            let held = value.held_mut();
            held.inline.insert(name.to_owned(), document.to_owned());
            rules::inline_size(held.inline.values(), &format!("{} {holder}", H::NOUN), H::INLINE_LIMIT)?;
            Ok(put((), &found, value))
        })
        .await
    }

    /// `GetUserPolicy`, `GetRolePolicy`: the document as it was given.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn inline_policy<H: Holder>(&self, holder: &str, name: &str) -> Result<String, IamError> {
        let (_, value) = self.holder::<H>(holder).await?;
        value.held().inline.get(name).cloned().ok_or_else(|| no_inline(name))
    }

    /// `ListUserPolicies`, `ListRolePolicies`: the names of the inline policies.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn list_inline_policies<H: Holder>(
        &self,
        holder: &str,
        request: &ListRequest,
    ) -> Result<Page<String>, IamError> {
        let (found, value) = self.holder::<H>(holder).await?;
        let names = value.held().inline.keys().cloned().collect();
        self.part(&["inline", found.key().as_str()], request, names, |name: &String| name)
    }

    /// `DeleteUserPolicy`, `DeleteRolePolicy`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn delete_inline_policy<H: Holder>(&self, holder: &str, name: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, mut value) = self.changeable::<H>(holder).await?;
            value.held_mut().inline.remove(name).ok_or_else(|| no_inline(name))?;
            Ok(put((), &found, value))
        })
        .await
    }

    /// `AttachUserPolicy`, `AttachRolePolicy`. Attaching what is attached succeeds.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`]; [`IamCode::LimitExceeded`] for the eleventh; [`IamCode::PolicyNotAttachable`] for the
    /// policy of a service.
    pub async fn attach_policy<H: Holder>(&self, holder: &str, arn: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, mut value) = self.changeable::<H>(holder).await?;
            let held = value.held_mut();
            if held.attached.iter().any(|known| known == arn) {
                return Ok(Decision::reply(()));
            }
            if held.attached.len() >= rules::ATTACHED_POLICIES {
                return Err(IamError::new(
                    IamCode::LimitExceeded,
                    format!("Cannot exceed quota for PoliciesPer{}: {}", H::NOUN, rules::ATTACHED_POLICIES),
                ));
            }
            held.attached.push(arn.to_owned());
            if let Some(policy) = aws_managed(arn) {
                if policy.path.starts_with("/aws-service-role/") {
                    return Err(IamError::new(
                        IamCode::PolicyNotAttachable,
                        format!("Cannot attach a service role policy to a {}.", H::NOUN),
                    ));
                }
                let counter = managed_counter(policy.name);
                return Ok(put((), &found, value).change(Change::Count { counter, by: 1, at_most: None }));
            }
            let (policy, mut changed) = self.customer_policy(arn).await?;
            changed.attachments += 1;
            Ok(put((), &found, value)
                .guard(policy.guard())
                .change(Change::Put(policy.key().clone(), Record::of(changed))))
        })
        .await
    }

    /// `DetachUserPolicy`, `DetachRolePolicy`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`], also when it is not attached.
    pub async fn detach_policy<H: Holder>(&self, holder: &str, arn: &str) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, mut value) = self.changeable::<H>(holder).await?;
            let held = value.held_mut();
            let before = held.attached.len();
            held.attached.retain(|known| known != arn);
            if held.attached.len() == before {
                return Err(IamError::new(IamCode::NoSuchEntity, format!("Policy {arn} was not found.")));
            }
            if let Some(policy) = aws_managed(arn) {
                let counter = managed_counter(policy.name);
                return Ok(put((), &found, value).change(Change::Count { counter, by: -1, at_most: None }));
            }
            let (policy, changed) = self.customer_policy(arn).await?;
            let attachments = changed.attachments.saturating_sub(1);
            let changed = CustomerPolicy { attachments, ..changed };
            Ok(put((), &found, value)
                .guard(policy.guard())
                .change(Change::Put(policy.key().clone(), Record::of(changed))))
        })
        .await
    }

    /// `ListAttachedUserPolicies`, `ListAttachedRolePolicies`, by name.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn list_attached_policies<H: Holder>(
        &self,
        holder: &str,
        request: &ListRequest,
    ) -> Result<Page<Attached>, IamError> {
        let (found, value) = self.holder::<H>(holder).await?;
        let mut all: Vec<_> = value
            .held()
            .attached
            .iter()
            .filter_map(|arn| {
                let (path, name) = path_and_name(arn)?;
                request.wants(&path).then(|| Attached { name: name.to_owned(), arn: arn.clone() })
            })
            .collect();
        all.sort_by(|a, b| a.arn.cmp(&b.arn));
        let prefix = request.path_prefix.as_deref().unwrap_or_default();
        self.part(&["attached", found.key().as_str(), prefix], request, all, |policy| &policy.arn)
    }

    /// `TagUser`, `TagRole`.
    ///
    /// # Errors
    ///
    /// [`IamCode::LimitExceeded`] beyond 50 tags.
    pub async fn tag<H: Holder>(&self, holder: &str, tags: &[Tag]) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, mut value) = self.changeable::<H>(holder).await?;
            rules::add_tags(&mut value.held_mut().tags, tags)?;
            Ok(put((), &found, value))
        })
        .await
    }

    /// `UntagUser`, `UntagRole`.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn untag<H: Holder>(&self, holder: &str, tag_keys: &[String]) -> Result<(), IamError> {
        self.transact(|| async {
            let (found, mut value) = self.changeable::<H>(holder).await?;
            rules::remove_tags(&mut value.held_mut().tags, tag_keys);
            Ok(put((), &found, value))
        })
        .await
    }

    /// `ListUserTags`, `ListRoleTags`, by key.
    ///
    /// # Errors
    ///
    /// [`IamCode::NoSuchEntity`].
    pub async fn list_tags<H: Holder>(
        &self,
        holder: &str,
        request: &ListRequest,
    ) -> Result<Page<Tag>, IamError> {
        let (found, value) = self.holder::<H>(holder).await?;
        let mut tags = value.held().tags.clone();
        tags.sort_by(|a, b| a.key.cmp(&b.key));
        self.part(&["tags", found.key().as_str()], request, tags, |tag| &tag.key)
    }
}

/// The path, with its slashes, and the name inside the ARN of a policy.
fn path_and_name(arn: &str) -> Option<(String, &str)> {
    if let Some(policy) = managed::managed_policy(arn) {
        return Some((policy.path.to_owned(), policy.name));
    }
    let (path, name) =
        arn.split_once(":policy/").map(|(_, rest)| rest.rsplit_once('/').unwrap_or(("", rest)))?;
    Some((if path.is_empty() { "/".to_owned() } else { format!("/{path}/") }, name))
}
