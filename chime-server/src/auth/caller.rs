//! Who signed a request.

use chime_domain::access::policy::{PolicySet, RequestContext, Tag};
use chime_domain::time::Timestamp;

use super::sigv4::Secret;

/// Somebody with credentials, and what they may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its ARN: of the account's root, an IAM user, or an assumed role's session.
    pub arn: String,
    /// The ARN that policies know it by: for a session that of the role, else the same.
    pub principal_arn: String,
    /// Its account, 12 digits.
    pub account: String,
    /// What `aws:PrincipalType` gives.
    pub kind: CallerKind,
    /// Its unique id, which `GetCallerIdentity` answers.
    pub user_id: String,
    /// The name of an IAM user.
    pub user_name: Option<String>,
    /// What it may do.
    pub policies: PolicySet,
    /// Tags of the session.
    pub session_tags: Vec<Tag>,
    /// Tags of the user or role.
    pub principal_tags: Vec<Tag>,
}

/// What kind of principal a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// The owner of the account, who may do everything.
    Root,
    /// An IAM user.
    User,
    /// A session of an assumed role.
    Session,
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
            principal_tags: Vec::new(),
        }
    }

    /// What policy conditions and variables can say of it.
    #[must_use]
    pub fn context(&self, now: Timestamp) -> RequestContext<'_> {
        RequestContext {
            principal_arn: Some(&self.principal_arn),
            principal_account: Some(&self.account),
            principal_type: Some(match self.kind {
                CallerKind::Root => "Account",
                CallerKind::User => "User",
                CallerKind::Session => "AssumedRole",
            }),
            username: self.user_name.as_deref(),
            userid: Some(&self.user_id),
            session_tags: &self.session_tags,
            principal_tags: &self.principal_tags,
            ..RequestContext::at(now)
        }
    }
}

/// What an access key stands for.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Its secret.
    pub secret: Secret,
    /// The token that has to come with it, of temporary credentials.
    pub session_token: Option<Secret>,
    /// When temporary credentials end.
    pub expires: Option<Timestamp>,
    /// Who it is.
    pub caller: std::sync::Arc<Caller>,
}
