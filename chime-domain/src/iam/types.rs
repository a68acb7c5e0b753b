//! Entities.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::policy::{NamedPolicy, PolicyDocument, ROLE_INLINE_LIMIT, Tag, USER_INLINE_LIMIT};
use crate::ports::{Entity, Key};
use crate::text::Private;
use crate::time::Timestamp;

use super::error::{IamCode, IamRefusal};
use super::keys;

/// What hangs on a user or a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Its inline policies: documents by name.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
    /// ARNs of the managed policies attached to it, in the order of attachment.
    #[serde(default)]
    pub attached: Vec<String>,
}

impl Held {
    /// The inline policies, parsed. What is stored was parsed before, so that nothing is left out.
    pub(super) fn compile(&self) -> Vec<NamedPolicy> {
        let parse = |(name, text): (&String, &String)| {
            PolicyDocument::parse(text)
                .ok()
                .map(|document| NamedPolicy::new(format!("inline:{name}"), document.into()))
        };
        self.inline.iter().filter_map(parse).collect()
    }
}

/// Something that holds policies and tags: a [`User`] or a [`Role`].
pub trait Holder: Entity + Clone + std::fmt::Debug {
    /// What it is called in messages.
    const NOUN: &'static str;
    /// Characters of all its inline policies together.
    const INLINE_LIMIT: usize;
    /// Longest name, in characters.
    const NAME_LIMIT: usize;
    /// What it holds.
    fn held(&self) -> &Held;
    /// What it holds, to be changed.
    fn held_mut(&mut self) -> &mut Held;
    /// Its ARN.
    fn arn(&self) -> &str;
    /// Its record.
    fn key(name: &str) -> Key;
    /// Whether callers may change it.
    ///
    /// # Errors
    ///
    /// [`IamCode::UnmodifiableEntity`] when it belongs to a service (rule IAM-30).
    fn changeable(&self) -> Result<(), IamRefusal>;
}

/// An IAM user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name; unique in the account without regard to case.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its unique id, `AIDA…`: a user made again under the same name has another.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// Ids of its access keys, oldest first.
    #[serde(default)]
    pub access_keys: Vec<String>,
    /// Its policies and tags.
    #[serde(flatten)]
    pub held: Held,
}

impl Entity for User {
    const NAME: &'static str = "iam-user";
}

impl Holder for User {
    const NOUN: &'static str = "user";
    const INLINE_LIMIT: usize = USER_INLINE_LIMIT;
    const NAME_LIMIT: usize = 64;

    fn held(&self) -> &Held {
        &self.held
    }

    fn held_mut(&mut self) -> &mut Held {
        &mut self.held
    }

    fn arn(&self) -> &str {
        &self.arn
    }

    fn key(name: &str) -> Key {
        keys::user(name)
    }

    fn changeable(&self) -> Result<(), IamRefusal> {
        Ok(())
    }
}

/// A long-lived key of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id, `AKIA…`.
    pub id: String,
    /// Its secret.
    pub secret: Private<String>,
    /// The name of its user.
    pub user: String,
    /// Whether it can sign.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

impl Entity for AccessKey {
    const NAME: &'static str = "iam-access-key";
}

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name; unique in the account without regard to case.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its unique id, `AROA…`: a role made again under the same name has another, which ends older sessions.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who may assume it.
    pub trust: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Longest session, in seconds: 3,600 to 43,200.
    pub max_session: u32,
    /// The service it is linked to, if any (rule IAM-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its policies and tags.
    #[serde(flatten)]
    pub held: Held,
}

impl Entity for Role {
    const NAME: &'static str = "iam-role";
}

impl Holder for Role {
    const NOUN: &'static str = "role";
    const INLINE_LIMIT: usize = ROLE_INLINE_LIMIT;
    const NAME_LIMIT: usize = 64;

    fn held(&self) -> &Held {
        &self.held
    }

    fn held_mut(&mut self) -> &mut Held {
        &mut self.held
    }

    fn arn(&self) -> &str {
        &self.arn
    }

    fn key(name: &str) -> Key {
        keys::role(name)
    }

    fn changeable(&self) -> Result<(), IamRefusal> {
        match &self.service {
            None => Ok(()),
            Some(service) => Err(IamRefusal::new(
                IamCode::UnmodifiableEntity,
                format!("The role {} belongs to {service}; only its description can be changed.", self.name),
            )),
        }
    }
}

/// One version of a customer managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Its number; `v3` has 3.
    pub number: u32,
    /// The document.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

/// A customer managed policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerPolicy {
    /// Its name; unique in the account without regard to case.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// When its versions last changed.
    pub updated: Timestamp,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its versions, oldest first; at most five.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version in force.
    pub default: u32,
    /// The number of the newest version ever made.
    pub latest: u32,
    /// To how many users and roles it is attached.
    pub attachments: u32,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

impl Entity for CustomerPolicy {
    const NAME: &'static str = "iam-policy";
}

impl CustomerPolicy {
    /// The version in force.
    #[must_use]
    pub fn in_force(&self) -> Option<&PolicyVersion> {
        self.version(self.default)
    }

    /// The version of that number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }

    pub(super) fn compile(&self) -> Vec<NamedPolicy> {
        self.in_force()
            .and_then(|version| PolicyDocument::parse(&version.document).ok())
            .map(|document| NamedPolicy::new(self.arn.as_str(), document.into()))
            .into_iter()
            .collect()
    }
}
