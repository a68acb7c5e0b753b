//! Temporary credentials (rules IAM-22 to IAM-26; wire.md section 9).

use std::time::Duration;

use super::caller::{Caller, CallerKind};
use super::error::{IamCode, IamError, IamRefusal, invalid};
use super::policies::{aws_managed, policy_key};
use super::service::Iam;
use super::session::{Session, Subject};
use super::types::{CustomerPolicy, Role};
use super::{keys, rules};
use crate::access::policy::{
    RequestContext, SESSION_LIMIT, Tag, TrustPolicy, TrustPrincipal, TrustVerdict, Verdict, denied_message,
};
use crate::text::Private;
use crate::time::Timestamp;

const ASSUME: &str = "sts:AssumeRole";
const ASSUME_WEB: &str = "sts:AssumeRoleWithWebIdentity";
const TAG: &str = "sts:TagSession";

/// Shortest session, in seconds.
const SHORTEST: u32 = 900;
/// Length of a role's session when the caller does not say, and the longest of a chained one.
const HOUR: u32 = 3_600;
/// Length of other sessions when the caller does not say: twelve hours.
const HALF_DAY: u32 = 43_200;
/// Longest of a user's sessions: a day and a half.
const LONGEST: u32 = 129_600;
/// Session policies by ARN.
const POLICY_ARNS: usize = 10;
/// Bytes of session policies and tags together.
const PACKED: usize = 8_192;

/// What restricts and marks a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionOptions {
    /// How long it lasts, in seconds.
    pub duration: Option<u32>,
    /// A policy that narrows it.
    pub policy: Option<String>,
    /// ARNs of managed policies that narrow it.
    pub policy_arns: Vec<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Keys of tags that go on to sessions made from it.
    pub transitive: Vec<String>,
}

/// `AssumeRole`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssumeRole {
    /// Which role.
    pub role_arn: String,
    /// Name of the session.
    pub session_name: String,
    /// What a third party has to name.
    pub external_id: Option<String>,
    /// What restricts and marks the session.
    pub options: SessionOptions,
}

/// What a verified token of an identity provider says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebIdentity {
    /// The issuer, without `https://`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The `aud` that was accepted.
    pub audience: String,
    /// Session tags that the token carries.
    pub tags: Vec<Tag>,
    /// Keys of those that are transitive.
    pub transitive: Vec<String>,
}

/// Temporary credentials that were just made.
#[derive(Clone, Debug)]
pub struct Vended {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret: Private<String>,
    /// Session token.
    pub token: Private<String>,
    /// When they end.
    pub expires: Timestamp,
    /// ARN of the session: of the assumed role, or of the federated user.
    pub arn: String,
    /// Id of the session, `ID:NAME`.
    pub id: String,
    /// How much of the space for session policies and tags is used, in percent; absent without any.
    pub packed_percent: Option<u32>,
}

fn denied(message: impl Into<std::borrow::Cow<'static, str>>) -> IamError {
    IamError::new(IamCode::AccessDenied, message)
}

fn bounded(seconds: Option<u32>, usual: u32, most: u32) -> Result<u32, IamRefusal> {
    match seconds {
        None => Ok(usual),
        Some(seconds) if (SHORTEST..=most).contains(&seconds) => Ok(seconds),
        Some(seconds) => Err(invalid(format!("DurationSeconds is {seconds}, outside {SHORTEST} to {most}."))),
    }
}

impl SessionOptions {
    fn check(&self) -> Result<Option<u32>, IamRefusal> {
        self.policy.as_deref().map_or(Ok(()), rules::session_document)?;
        if self.policy_arns.len() > POLICY_ARNS {
            return Err(invalid(format!("PolicyArns names more than {POLICY_ARNS} policies.")));
        }
        if self.tags.len() > rules::TAGS {
            return Err(invalid(format!("Tags has more than {} tags.", rules::TAGS)));
        }
        rules::tags(&self.tags)?;
        let is_tag = |key: &String| self.tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key));
        if !self.transitive.iter().all(is_tag) {
            return Err(invalid("A transitive tag key is not the key of a tag that was passed."));
        }
        let policies = self.policy.iter().chain(&self.policy_arns).map(String::len).sum::<usize>();
        let tags = self.tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum::<usize>();
        let used = policies + tags;
        if used > PACKED || self.policy_arns.iter().map(|arn| arn.len()).sum::<usize>() > SESSION_LIMIT {
            return Err(IamRefusal::new(
                IamCode::PackedPolicyTooLarge,
                format!("Packed size of session policies and tags is {}% of the limit.", used * 100 / PACKED),
            ));
        }
        Ok((used > 0).then(|| u32::try_from((used * 100).div_ceil(PACKED)).unwrap_or(100)))
    }
}

impl Iam<'_> {
    /// `AssumeRole`. The caller's policies must allow it on the role, and the role's trust policy must allow the caller
    /// (rule IAM-23); that holds for the account's owner too, whose side always allows. `ctx` is what is known of the
    /// request, with the caller in it.
    ///
    /// # Errors
    ///
    /// [`IamCode::AccessDenied`], also when the role does not exist; [`IamCode::Validation`] when a parameter is out of
    /// bounds; [`IamCode::PackedPolicyTooLarge`].
    pub async fn assume_role(
        &self,
        caller: &Caller,
        command: &AssumeRole,
        ctx: &RequestContext<'_>,
    ) -> Result<Vended, IamError> {
        let AssumeRole { role_arn, session_name, external_id, options } = command;
        rules::session_name("roleSessionName", session_name, 64)?;
        let mut options = options.clone();
        options.check()?;
        let chained = caller.kind == CallerKind::Session;
        for tag in caller.session_tags.iter().filter(|tag| is_transitive(caller, tag)) {
            if options.tags.iter().any(|own| own.key.eq_ignore_ascii_case(&tag.key)) {
                return Err(invalid(format!("The transitive tag {} cannot be given again.", tag.key)).into());
            }
        }
        let found = self.role_of(role_arn).await?;
        let transitive: Vec<_> =
            options.transitive.iter().map(|key| ("sts:TransitiveTagKeys", key.as_str())).collect();
        let other: Vec<_> = ctx.other.iter().copied().chain(transitive).collect();
        let ctx = RequestContext {
            request_tags: &options.tags,
            external_id: external_id.as_deref(),
            role_session_name: Some(session_name),
            resource_tags: found.as_ref().map_or(&[], |role| &role.held.tags),
            other: &other,
            ..*ctx
        };
        let verdict = caller.policies.evaluate(ASSUME, role_arn, &ctx);
        let Some(role) = found.as_ref().filter(|_| verdict.is_allowed()) else {
            return Err(denied(denied_message(&caller.arn, ASSUME, role_arn, verdict)));
        };
        let trust = TrustPolicy::parse(&role.trust)?;
        let principal = caller.trust_principal();
        if !trust.allows(ASSUME, &principal, &ctx) {
            return Err(distrusted(&caller.arn, ASSUME, role_arn));
        }
        if !options.tags.is_empty() {
            let own = caller.policies.evaluate(TAG, role_arn, &ctx);
            if !self.may_tag(own.is_allowed(), matches!(own, Verdict::ExplicitDeny(_))) {
                return Err(denied(denied_message(&caller.arn, TAG, role_arn, own)));
            }
            let trusts = trust.evaluate(TAG, &principal, &ctx);
            if !self.may_tag(is_allowed(trusts), is_denied(trusts)) {
                return Err(distrusted(&caller.arn, TAG, role_arn));
            }
        }
        let seconds = role_duration(role, options.duration, chained)?;
        let inherited = caller.session_tags.iter().filter(|tag| is_transitive(caller, tag)).cloned();
        options.tags.extend(inherited);
        options.transitive.extend(caller.transitive_tags.iter().cloned());
        self.vend_role(role, session_name, seconds, options)
    }

    /// `AssumeRoleWithWebIdentity`, for somebody whom an identity provider vouches for. `ctx` is what is known of the
    /// request; the identity is added here.
    ///
    /// # Errors
    ///
    /// [`IamCode::AccessDenied`], also when the role does not exist; [`IamCode::Validation`];
    /// [`IamCode::PackedPolicyTooLarge`].
    pub async fn assume_role_with_web_identity(
        &self,
        identity: &WebIdentity,
        command: &AssumeRole,
        ctx: &RequestContext<'_>,
    ) -> Result<Vended, IamError> {
        let AssumeRole { role_arn, session_name, options, .. } = command;
        rules::session_name("roleSessionName", session_name, 64)?;
        let mut options = options.clone();
        options.tags.clone_from(&identity.tags);
        options.transitive.clone_from(&identity.transitive);
        options.check()?;
        let refused = || denied(format!("Not authorized to perform {ASSUME_WEB}"));
        let role = self.role_of(role_arn).await?.ok_or_else(refused)?;
        let issuer = identity.issuer.as_str();
        let names = ["aud", "sub"].map(|claim| format!("{issuer}:{claim}"));
        let values = [identity.audience.as_str(), identity.subject.as_str()];
        let claims = names.iter().map(String::as_str).zip(values);
        let provider = self.provider_arn(issuer);
        let own = [("aws:FederatedProvider", provider.as_str())];
        let other: Vec<_> = ctx.other.iter().copied().chain(claims).chain(own).collect();
        let ctx = RequestContext {
            request_tags: &options.tags,
            role_session_name: Some(session_name),
            resource_tags: &role.held.tags,
            other: &other,
            ..*ctx
        };
        let trust = TrustPolicy::parse(&role.trust)?;
        // Both names of the provider are its own; a Deny of either denies.
        let asks = |action: &str| {
            let of = |provider| trust.evaluate(action, &TrustPrincipal::Federated { provider }, &ctx);
            let verdicts = [of(provider.as_str()), of(issuer)];
            (verdicts.into_iter().any(is_allowed), verdicts.into_iter().any(is_denied))
        };
        if !matches!(asks(ASSUME_WEB), (true, false)) {
            return Err(refused());
        }
        let (allowed, denies) = asks(TAG);
        if !options.tags.is_empty() && !self.may_tag(allowed && !denies, denies) {
            return Err(denied(format!("Not authorized to perform {TAG}")));
        }
        let seconds = role_duration(&role, options.duration, false)?;
        self.vend_role(&role, session_name, seconds, options)
    }

    /// The ARN of an identity provider, as trust policies name it.
    #[must_use]
    pub fn provider_arn(&self, issuer: &str) -> String {
        self.arn("oidc-provider", "/", issuer)
    }

    /// `GetSessionToken`: temporary credentials of a user, or of the account's owner, who may do the same.
    ///
    /// # Errors
    ///
    /// [`IamCode::AccessDenied`] to temporary credentials.
    pub fn session_token(&self, caller: &Caller, duration: Option<u32>) -> Result<Vended, IamError> {
        let (subject, most) = match (caller.kind, caller.temporary) {
            (CallerKind::Root, false) => (Subject::Root, HOUR),
            (CallerKind::User, false) => (user_subject(caller), LONGEST),
            _ => return Err(denied("Cannot call GetSessionToken with session credentials")),
        };
        // The owner's sessions are cut to an hour, whatever was asked for.
        let seconds = bounded(duration, HALF_DAY.min(most), LONGEST)?.min(most);
        self.vend(subject, &caller.arn, &caller.user_id, seconds, SessionOptions::default())
    }

    /// `GetFederationToken`: credentials for somebody a user vouches for, narrowed by session policies; without any,
    /// they allow nothing.
    ///
    /// # Errors
    ///
    /// [`IamCode::AccessDenied`] to temporary credentials.
    pub fn federation_token(
        &self,
        caller: &Caller,
        name: &str,
        options: SessionOptions,
    ) -> Result<Vended, IamError> {
        rules::session_name("name", name, 32)?;
        let by = match (caller.kind, caller.temporary) {
            (CallerKind::Root, false) => None,
            (CallerKind::User, false) => {
                Some((caller.user_name.clone().unwrap_or_default(), caller.user_id.clone()))
            }
            _ => return Err(denied("Cannot call GetFederationToken with session credentials")),
        };
        let most = if by.is_none() { HOUR } else { LONGEST };
        let seconds = bounded(options.duration, HALF_DAY.min(most), LONGEST)?.min(most);
        let settings = self.chime.settings();
        let arn = format!("arn:{}:sts::{}:federated-user/{name}", settings.partition, settings.account);
        let id = format!("{}:{name}", settings.account);
        self.vend(Subject::Federated { name: name.to_owned(), by }, &arn, &id, seconds, options)
    }

    /// Checks that the managed policies of a session exist.
    ///
    /// # Errors
    ///
    /// [`IamCode::Validation`] when one does not.
    pub async fn check_session_policies(&self, arns: &[String]) -> Result<(), IamError> {
        for arn in arns.iter().take(POLICY_ARNS) {
            let found = self.load::<CustomerPolicy>(policy_key(arn)).await?;
            if aws_managed(arn).is_none() && found.get().is_none_or(|policy| policy.arn != *arn) {
                return Err(invalid(format!("The managed policy {arn} does not exist.")).into());
            }
        }
        Ok(())
    }

    /// Whether tags may be passed, by one side's answer about `sts:TagSession`.
    fn may_tag(&self, allowed: bool, explicitly_denied: bool) -> bool {
        allowed || (!explicitly_denied && !self.chime.settings().tag_session_required)
    }

    async fn role_of(&self, arn: &str) -> Result<Option<Role>, IamError> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let found = self.load::<Role>(keys::role(name)).await?;
        Ok(found.get().filter(|role| role.arn == arn).cloned())
    }

    fn vend_role(
        &self,
        role: &Role,
        session: &str,
        seconds: u32,
        options: SessionOptions,
    ) -> Result<Vended, IamError> {
        let settings = self.chime.settings();
        let arn = format!(
            "arn:{}:sts::{}:assumed-role/{}/{session}",
            settings.partition, settings.account, role.name
        );
        let id = format!("{}:{session}", role.id);
        let subject =
            Subject::Role { role: role.name.clone(), id: role.id.clone(), session: session.to_owned() };
        self.vend(subject, &arn, &id, seconds, options)
    }

    fn vend(
        &self,
        subject: Subject,
        arn: &str,
        id: &str,
        seconds: u32,
        options: SessionOptions,
    ) -> Result<Vended, IamError> {
        let packed_percent = options.check()?;
        let SessionOptions { policy, policy_arns, tags, transitive, .. } = options;
        // Whole seconds, so that what callers are told is what is enforced.
        let now = Timestamp::from_millis(self.chime.now().seconds().saturating_mul(1_000));
        let expires = now + Duration::from_secs(seconds.into());
        let key = self.unique_id("ASIA", 16);
        let session = Session { key, subject, expires, tags, transitive, policy, policy_arns };
        let token = self
            .seal(&session)
            .ok_or_else(|| IamError::new(IamCode::PackedPolicyTooLarge, "The session cannot be sealed."))?;
        Ok(Vended {
            access_key_id: session.key,
            secret: self.secret_of(&token.0),
            token,
            expires,
            arn: arn.to_owned(),
            id: id.to_owned(),
            packed_percent,
        })
    }
}

fn user_subject(caller: &Caller) -> Subject {
    Subject::User { user: caller.user_name.clone().unwrap_or_default(), id: caller.user_id.clone() }
}

fn is_transitive(caller: &Caller, tag: &Tag) -> bool {
    caller.transitive_tags.iter().any(|key| key.eq_ignore_ascii_case(&tag.key))
}

fn is_allowed(verdict: TrustVerdict) -> bool {
    matches!(verdict, TrustVerdict::Allowed { .. })
}

fn is_denied(verdict: TrustVerdict) -> bool {
    matches!(verdict, TrustVerdict::ExplicitDeny { .. })
}

fn distrusted(caller: &str, action: &str, role: &str) -> IamError {
    denied(format!(
        "User: {caller} is not authorized to perform: {action} on resource: {role} because the role's trust policy does not allow it"
    ))
}

/// How long a session of a role lasts.
fn role_duration(role: &Role, asked: Option<u32>, chained: bool) -> Result<u32, IamRefusal> {
    let seconds = bounded(asked, HOUR, HALF_DAY)?;
    if chained && seconds > HOUR {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if seconds > role.max_session {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}
