//! Who signed a request.

use std::sync::Arc;

use crate::access::policy::{PolicySet, RequestContext, Tag, TrustPrincipal};
use crate::text::Private;
use crate::time::Timestamp;

/// Somebody with credentials, and what they may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its ARN: of the account's root, an IAM user, or a session.
    pub arn: String,
    /// The ARN that policies know it by: for the session of a role that of the role, else the same.
    pub principal_arn: String,
    /// Its account, 12 digits.
    pub account: String,
    /// What kind of principal it is.
    pub kind: CallerKind,
    /// Its unique id, which `GetCallerIdentity` answers.
    pub user_id: String,
    /// The name of an IAM user.
    pub user_name: Option<String>,
    /// What it may do.
    pub policies: PolicySet,
    /// Tags of the session.
    pub session_tags: Vec<Tag>,
    /// Keys of the session tags that go on to sessions made from this one.
    pub transitive_tags: Vec<String>,
    /// Tags of the user or role.
    pub principal_tags: Vec<Tag>,
    /// Whether the credentials are temporary.
    pub temporary: bool,
}

/// What kind of principal a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// The owner of the account, who may do everything.
    Root,
    /// An IAM user.
    User,
    /// A session of an assumed role.
    Session,
    /// Somebody for whom a user vouches, by `GetFederationToken`.
    Federated,
}

impl CallerKind {
    /// What `aws:PrincipalType` gives.
    #[must_use]
    pub const fn principal_type(self) -> &'static str {
        match self {
            Self::Root => "Account",
            Self::User => "User",
            Self::Session => "AssumedRole",
            Self::Federated => "FederatedUser",
        }
    }
}

impl Caller {
    /// The owner of an account.
    #[must_use]
    pub fn root(account: &str) -> Self {
        let arn = format!("arn:aws:iam::{account}:root");
        Self {
            principal_arn: arn.clone(),
            arn,
            account: account.to_owned(),
            kind: CallerKind::Root,
            user_id: account.to_owned(),
            user_name: None,
            policies: PolicySet::owner(),
            session_tags: Vec::new(),
            transitive_tags: Vec::new(),
            principal_tags: Vec::new(),
            temporary: false,
        }
    }

    /// What policy conditions and variables can say of it.
    #[must_use]
    pub fn context(&self, now: Timestamp) -> RequestContext<'_> {
        RequestContext {
            principal_arn: Some(&self.principal_arn),
            principal_account: Some(&self.account),
            principal_type: Some(self.kind.principal_type()),
            username: self.user_name.as_deref(),
            userid: Some(&self.user_id),
            session_tags: &self.session_tags,
            principal_tags: &self.principal_tags,
            ..RequestContext::at(now)
        }
    }

    /// How trust policies name it.
    pub(super) fn trust_principal(&self) -> TrustPrincipal<'_> {
        let account = self.account.as_str();
        match self.kind {
            CallerKind::Root => TrustPrincipal::Root { account },
            CallerKind::User => TrustPrincipal::User { account, arn: &self.arn },
            CallerKind::Session | CallerKind::Federated => {
                TrustPrincipal::Role { account, arn: &self.principal_arn, session_arn: &self.arn }
            }
        }
    }
}

/// What an access key stands for.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The secret that signs with it.
    pub secret: Private<String>,
    /// When they end, of temporary credentials.
    pub expires: Option<Timestamp>,
    /// Who it is.
    pub caller: Arc<Caller>,
}

impl Credentials {
    /// Whether they have ended (wire fact A-09). Say so only to whoever signed with the secret.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}
