//! What is asked.

use std::collections::BTreeMap;

use chime_domain::access::policy::Tag;
use chime_domain::arn::AppInstanceUserArn;
use serde::{Deserialize, Serialize};

use super::ExplainError;
use crate::api::operations::{Operation, Resource};

/// May this principal do this to that? The JSON of `POST /_chime/explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Question {
    /// Who signs: an access key id, the ARN of an IAM user or role or of a role's session, or `root`.
    pub principal: String,
    /// The action as policies name it, `chime:UpdateChannel`.
    pub action: String,
    /// ARNs of what it is done to.
    #[serde(default)]
    pub resources: Vec<String>,
    /// ARN of the app instance user that acts, as `x-amz-chime-bearer` gives it.
    #[serde(default, rename = "As")]
    pub acting: Option<String>,
    /// ARN of the app instance user that it is done to: the member, moderator, administrator or banned user.
    #[serde(default)]
    pub target: Option<String>,
    /// Whether the message is the acting user's own.
    #[serde(default)]
    pub own_message: bool,
    /// Session tags: keys and values.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Question {
    pub(super) fn session_tags(&self) -> impl Iterator<Item = Tag> {
        self.tags.iter().map(|(key, value)| Tag::new(key, value))
    }

    /// The action with the prefix of its service, which may be left out.
    pub(super) fn action(&self) -> String {
        if self.action.contains(':') { self.action.clone() } else { format!("chime:{}", self.action) }
    }

    /// The first resource of a kind, as in `…/KIND/ID`.
    pub(super) fn resource(&self, kind: &str) -> Option<&str> {
        self.resources.iter().map(String::as_str).find(|arn| kind_of(arn) == Some(kind))
    }

    /// The user that acts: named as such or, where an operation is about the acting user, among the resources.
    pub(super) fn acting(&self, operation: &Operation) -> Option<&str> {
        let about_it = matches!(operation.resource, Resource::ActingUser | Resource::ActingUserAndChannel);
        self.acting.as_deref().or_else(|| self.resource("user").filter(|_| about_it))
    }

    /// The app instance that the question is about: named, or that of whatever is in one.
    pub(super) fn app_instance(&self) -> Option<&str> {
        let named = self.resource("app-instance");
        let mut others = self.resources.iter().chain(&self.target).chain(&self.acting);
        named.or_else(|| {
            others.find_map(|arn| arn.match_indices('/').nth(1).and_then(|(at, _)| arn.get(..at)))
        })
    }
}

/// The noun before the id of a resource.
fn kind_of(arn: &str) -> Option<&str> {
    arn.rsplit(['/', ':']).nth(1)
}

/// Reads the ARN of a user.
///
/// # Errors
///
/// [`ExplainError::Question`].
pub(super) fn user(arn: &str) -> Result<AppInstanceUserArn, ExplainError> {
    AppInstanceUserArn::parse(arn)
        .map_err(|_| ExplainError::Question(format!("`{arn}` is no ARN of an app instance user")))
}
