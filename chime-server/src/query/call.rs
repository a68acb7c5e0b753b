//! One call: who asks for what, and whether it may.

use std::sync::Arc;

use chime_domain::Chime;
use chime_domain::access::policy::{RequestContext, Tag, denied_message};
use chime_domain::iam::{Caller, Holder, Iam, Role, User};

use super::error::QueryError;
use super::form::Form;
use super::operations::{On, Operation, Service};
use super::web_identity::Issuers;
use crate::api::Source;

/// Where a call came from, as policies test it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) source: Source,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) referer: Option<&'a str>,
}

/// A call whose signature was verified, where the operation needs one.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) chime: &'a Chime,
    pub(crate) issuers: &'a Issuers,
    pub(crate) operation: &'static Operation,
    pub(crate) form: &'a Form<'a>,
    /// Who signed; nobody needs to for `AssumeRoleWithWebIdentity`.
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) facts: Facts<'a>,
}

/// What an operation is about, for the policies of its caller.
struct Subject {
    arn: String,
    tags: Vec<Tag>,
}

impl Subject {
    fn new(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), tags: Vec::new() }
    }
}

impl Call<'_> {
    pub(crate) fn iam(&self) -> Iam<'_> {
        self.chime.iam()
    }

    /// Who signed.
    ///
    /// # Errors
    ///
    /// `MissingAuthenticationToken` when nobody did.
    pub(crate) fn caller(&self) -> Result<&Caller, QueryError> {
        let missing = || QueryError::new(403, "MissingAuthenticationToken", "Missing authentication token.");
        self.caller.as_deref().ok_or_else(missing)
    }

    /// The user that `UserName` names, or the caller, when it is one.
    ///
    /// # Errors
    ///
    /// `ValidationError` when nobody is named and the caller is no user.
    pub(crate) fn user_name(&self) -> Result<&str, QueryError> {
        let of_caller = || self.caller.as_ref().and_then(|caller| caller.user_name.as_deref());
        self.form.get("UserName").or_else(of_caller).ok_or_else(|| {
            QueryError::validation("Must specify userName when calling with non-User credentials")
        })
    }

    /// What is known of the request; operations add to it.
    pub(crate) fn context<'c>(&'c self, caller: Option<&'c Caller>) -> RequestContext<'c> {
        let now = self.chime.now();
        let known = caller.map_or_else(|| RequestContext::at(now), |caller| caller.context(now));
        RequestContext {
            source_ip: self.facts.source.ip,
            secure_transport: Some(self.facts.source.secure),
            requested_region: Some(&self.chime.settings().region),
            user_agent: self.facts.user_agent,
            referer: self.facts.referer,
            ..known
        }
    }

    /// Decides whether the caller's policies allow the operation. Those that the domain decides pass.
    ///
    /// # Errors
    ///
    /// `AccessDenied`; the store's failure.
    pub(crate) async fn authorize(&self) -> Result<(), QueryError> {
        if matches!(self.operation.on, On::Decided) {
            return Ok(());
        }
        let caller = self.caller()?;
        if caller.policies.is_owner() && !caller.temporary {
            return Ok(());
        }
        let Some(subject) = self.subject().await? else { return Ok(()) };
        let request_tags = self.form.tags("Tags");
        let request_tag_keys = self.form.list("TagKeys");
        let named = [("PolicyArn", "iam:PolicyARN"), ("AWSServiceName", "iam:AWSServiceName")];
        let other: Vec<_> =
            named.into_iter().filter_map(|(name, key)| Some((key, self.form.get(name)?))).collect();
        let ctx = RequestContext {
            request_tags: &request_tags,
            request_tag_keys: &request_tag_keys,
            resource_tags: &subject.tags,
            other: &other,
            ..self.context(Some(caller))
        };
        let prefix = match self.operation.service {
            Service::Iam => "iam",
            Service::Sts => "sts",
        };
        let action = format!("{prefix}:{}", self.operation.name);
        let verdict = caller.policies.evaluate(&action, &subject.arn, &ctx);
        if verdict.is_allowed() {
            Ok(())
        } else {
            Err(QueryError::denied(denied_message(&caller.arn, &action, &subject.arn, verdict)))
        }
    }

    async fn subject(&self) -> Result<Option<Subject>, QueryError> {
        let iam = self.iam();
        let given = |name: &str| self.form.get(name).unwrap_or("*");
        let path = self.form.get("Path").unwrap_or("/");
        Ok(Some(match self.operation.on {
            On::Nothing | On::Decided => return Ok(None),
            On::Any => Subject::new("*"),
            On::User => match self.user_name() {
                Ok(name) => self.held::<User>(name).await?,
                // The account itself, of which only its own callers may ask.
                Err(_) => Subject::new(format!("arn:aws:iam::{}:root", self.chime.settings().account)),
            },
            On::NewUser => Subject::new(iam.arn("user", path, given("UserName"))),
            On::KeyOfUser => match iam.access_key(given("AccessKeyId")).await {
                Ok(key) => self.held::<User>(&key.user).await?,
                Err(_) => Subject::new(iam.arn("user", "/", "*")),
            },
            On::Role => self.held::<Role>(given("RoleName")).await?,
            On::NewRole => Subject::new(iam.arn("role", path, given("RoleName"))),
            On::ServiceRole => {
                Subject::new(iam.arn("role", &format!("/aws-service-role/{}/", given("AWSServiceName")), "*"))
            }
            On::DeletedRole => {
                let name = given("DeletionTaskId").split('/').nth(3).unwrap_or("*");
                Subject::new(iam.arn("role", "/", name))
            }
            On::Policy => Subject::new(given("PolicyArn")),
            On::NewPolicy => Subject::new(iam.arn("policy", path, given("PolicyName"))),
            On::FederatedUser => {
                let settings = self.chime.settings();
                let name = given("Name");
                Subject::new(format!(
                    "arn:{}:sts::{}:federated-user/{name}",
                    settings.partition, settings.account
                ))
            }
        }))
    }

    /// The ARN and tags of a user or role; its ARN at the root path when it does not exist.
    async fn held<H: Holder>(&self, name: &str) -> Result<Subject, QueryError> {
        use chime_domain::iam::{IamCode, IamError};
        match self.iam().get::<H>(name).await {
            Ok(holder) => Ok(Subject { arn: holder.arn().to_owned(), tags: holder.held().tags.clone() }),
            Err(error) if error.code() == Some(IamCode::NoSuchEntity) => {
                Ok(Subject::new(self.iam().arn(H::NOUN, "/", name)))
            }
            Err(IamError::Store(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        }
    }
}
