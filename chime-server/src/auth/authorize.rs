//! The policy stage: whether the caller of a request may.

use chime_domain::access::policy::{
    PolicySet, Refused, RequestContext, Tag, Verdict, denied_message, sole_user,
};
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::messaging::bad_bearer;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Asked, Caller};
use crate::api::operations::{Bearer, Labels, Operation, Resource};
use crate::api::{Acting, ApiError, Query, Source};
use crate::app::App;

/// The members of a body that decide before it is validated. What cannot be read is absent here, and refused later.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Hints {
    app_instance_arn: Option<String>,
    pub(super) app_instance_admin_arn: Option<String>,
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    tags: Option<Vec<TagHint>>,
    tag_keys: Option<Vec<String>>,
    external_meeting_id: Option<IgnoredAny>,
    media_region: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagHint {
    key: String,
    value: String,
}

impl Hints {
    /// Reads a body, for the operations whose body has such members.
    pub(crate) fn of(operation: &Operation, body: &[u8]) -> Self {
        let tells = |verb: &&str| operation.name.starts_with(verb);
        if body.is_empty() || !["Create", "Search", "Tag", "Untag"].iter().any(tells) {
            return Self::default();
        }
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// A creation of a meeting without what today's clients always send (wire rules N-05, D-09).
    pub(crate) fn is_old_creation(&self, operation: &Operation) -> bool {
        operation.name.starts_with("CreateMeeting")
            && operation.path() == "/meetings"
            && (self.external_meeting_id.is_none() || self.media_region.is_none())
    }

    /// The resource that a tag operation names.
    pub(crate) fn tagged<'a>(&'a self, query: &'a Query) -> Option<&'a str> {
        self.resource_arn.as_deref().or_else(|| query.get("arn"))
    }
}

/// What the stages before the handler know of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) operation: &'a Operation,
    pub(crate) labels: &'a Labels,
    pub(crate) query: &'a Query,
    pub(crate) hints: &'a Hints,
    /// The bearer header as received.
    pub(crate) bearer: Option<&'a str>,
    pub(crate) source: Source,
    pub(crate) user_agent: Option<&'a str>,
}

impl Subject<'_> {
    /// The app instance that the request is about, as text.
    pub(super) fn app_instance(&self) -> Option<&str> {
        let of = |arn: &'_ str| arn.match_indices('/').nth(1).and_then(|(at, _)| arn.get(..at)).map(str::len);
        let whole = [self.labels.get("appInstanceArn"), self.query.get("app-instance-arn")];
        let within = [self.labels.get("channelArn"), self.query.get("app-instance-user-arn")];
        let within = within.into_iter().flatten().filter_map(|arn| arn.get(..of(arn)?));
        whole.into_iter().flatten().chain(self.hints.app_instance_arn.as_deref()).chain(within).next()
    }

    /// The acting user as policies see it, malformed or not.
    pub(super) fn acting_text<'a>(&'a self, acting: &'a Acting) -> Option<&'a str> {
        match acting {
            Acting::User(user) => Some(user.as_str()),
            Acting::Malformed => self.bearer,
            Acting::Nobody => None,
        }
    }
}

/// The user that a request acts as (wire rules D-01 and D-02).
pub(crate) fn acting_as(app: &App, caller: &Caller, subject: &Subject<'_>) -> Acting {
    if subject.operation.bearer == Bearer::Unused {
        return Acting::Nobody;
    }
    if let Some(bearer) = subject.bearer {
        return AppInstanceUserArn::parse(bearer).map_or(Acting::Malformed, Acting::User);
    }
    let Some(app_instance) = subject.app_instance() else { return Acting::Nobody };
    let ctx = context(app, caller, subject, &[]);
    let action = format!("chime:{}", subject.operation.name);
    sole_user(&caller.policies, &action, app_instance, &ctx)
        .and_then(|user| AppInstanceUserArn::parse(&user).ok())
        .map_or(Acting::Nobody, Acting::User)
}

/// Decides whether the caller's policies allow the request.
///
/// # Errors
///
/// [`ApiError::AccessDenied`] with the text of wire rule E-08; 401 when the policies tie to users and the request tells
/// none (D-02).
pub(crate) fn authorize(
    app: &App,
    caller: &Caller,
    acting: &Acting,
    subject: &Subject<'_>,
    resources: &[Asked],
) -> Result<(), ApiError> {
    let operation = subject.operation;
    let request_tags: Vec<_> =
        subject.hints.tags.iter().flatten().map(|tag| Tag::new(&tag.key, &tag.value)).collect();
    let ctx = context(app, caller, subject, &request_tags);
    let names_no_user = operation.bearer == Bearer::Required && *acting == Acting::Nobody;
    if names_no_user && caller.policies.is_owner() {
        // The owner may do this as anybody; that nobody was named is found after the input was (wire rule E-07).
        return Ok(());
    }
    let decided = decide(&caller.policies, operation, resources, &ctx);
    if names_no_user && !(operation.resource == Resource::ActingUserAndChannel && decided.is_err()) {
        return Err(bad_bearer().into());
    }
    decided.map_err(|refused| {
        let resource = resources.get(refused.resource).map_or("*", |asked| &asked.arn);
        let action = format!("chime:{}", operation.name);
        ApiError::AccessDenied(denied_message(&caller.arn, &action, resource, refused.verdict))
    })
}

/// Policies may grant either name of an operation that has two (rule IAM-21); a Deny of either denies.
fn decide(
    policies: &PolicySet,
    operation: &Operation,
    resources: &[Asked],
    ctx: &RequestContext<'_>,
) -> Result<(), Refused> {
    let by_name = |name: &str| evaluate(policies, &format!("chime:{name}"), resources, ctx);
    let Some(other) = operation.legacy_name else { return by_name(operation.name) };
    match (by_name(operation.name), by_name(other)) {
        (Err(refused), _) | (_, Err(refused)) if matches!(refused.verdict, Verdict::ExplicitDeny(_)) => {
            Err(refused)
        }
        (one, another) => one.or(another),
    }
}

/// Each resource is decided with its own tags; an explicit Deny of any of them comes first.
fn evaluate(
    policies: &PolicySet,
    action: &str,
    resources: &[Asked],
    ctx: &RequestContext<'_>,
) -> Result<(), Refused> {
    if resources.iter().all(|asked| asked.tags.is_empty()) {
        let arns: Vec<_> = resources.iter().map(|asked| asked.arn.as_str()).collect();
        return policies.evaluate_all(action, &arns, ctx).map(|_| ());
    }
    let mut first = None;
    for (resource, asked) in resources.iter().enumerate() {
        match policies.evaluate(action, &asked.arn, &asked.context(ctx)) {
            Verdict::Allowed(_) => {}
            verdict @ Verdict::ExplicitDeny(_) => return Err(Refused { resource, verdict }),
            verdict @ Verdict::ImplicitDeny(_) => first = first.or(Some(Refused { resource, verdict })),
        }
    }
    first.map_or(Ok(()), Err)
}

/// What policies can test of a request; the tags of its resources are added by [`Asked::context`].
pub(crate) fn context<'a>(
    app: &'a App,
    caller: &'a Caller,
    subject: &'a Subject<'a>,
    request_tags: &'a [Tag],
) -> RequestContext<'a> {
    RequestContext {
        source_ip: subject.source.ip,
        secure_transport: Some(subject.source.secure),
        requested_region: Some(&app.chime().settings().region),
        user_agent: subject.user_agent,
        request_tags,
        request_tag_keys: subject.hints.tag_keys.as_deref().unwrap_or_default(),
        ..caller.context(app.chime().now())
    }
}
