//! The policy stage: what a request is about, and whether its caller may.

use chime_domain::access::policy::{
    PolicySet, Refused, RequestContext, Tag, Verdict, denied_message, sole_user,
};
use chime_domain::arn::AppInstanceUserArn;
use chime_domain::error::{ServiceError, StoreError};
use chime_domain::ids::MeetingId;
use chime_domain::messaging::bad_bearer;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Caller;
use crate::api::operations::{Bearer, Labels, Operation, Resource};
use crate::api::{Acting, ApiError, Query, Source};
use crate::app::App;

/// The members of a body that decide before it is validated. What cannot be read is absent here, and refused later.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Hints {
    app_instance_arn: Option<String>,
    app_instance_admin_arn: Option<String>,
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
    /// What [`resource_tags`] found.
    pub(crate) resource_tags: &'a [Tag],
}

impl Subject<'_> {
    /// The app instance that the request is about, as text.
    fn app_instance(&self) -> Option<&str> {
        let of = |arn: &'_ str| arn.match_indices('/').nth(1).and_then(|(at, _)| arn.get(..at)).map(str::len);
        let whole = [self.labels.get("appInstanceArn"), self.query.get("app-instance-arn")];
        let within = [self.labels.get("channelArn"), self.query.get("app-instance-user-arn")];
        let within = within.into_iter().flatten().filter_map(|arn| arn.get(..of(arn)?));
        whole.into_iter().flatten().chain(self.hints.app_instance_arn.as_deref()).chain(within).next()
    }

    /// The acting user as policies see it, malformed or not.
    fn acting_text<'a>(&'a self, acting: &'a Acting) -> Option<&'a str> {
        match acting {
            Acting::User(user) => Some(user.as_str()),
            Acting::Malformed => self.bearer,
            Acting::Nobody => None,
        }
    }

    /// What the policies have to allow it on.
    pub(crate) fn resources(&self, app: &App, acting: &Acting) -> Vec<String> {
        let settings = app.chime().settings();
        let own = |rest: String| {
            format!("arn:{}:chime:{}:{}:{rest}", settings.partition, settings.region, settings.account)
        };
        let label = |name: &str| self.labels.get(name).unwrap_or("*").to_owned();
        let app_instance = || self.app_instance().map_or_else(|| own("app-instance/*".into()), str::to_owned);
        let below = |kind: &str| format!("{}/{kind}/*", app_instance());
        let named = |name: &str, kind: &str| self.labels.get(name).map_or_else(|| below(kind), str::to_owned);
        let acting = self.acting_text(acting).map(str::to_owned);
        let many: Vec<String> = match self.operation.resource {
            Resource::Any => Vec::new(),
            Resource::ActingUserAndChannel => acting.into_iter().chain([label("channelArn")]).collect(),
            Resource::ActingUser => acting.into_iter().collect(),
            Resource::Channel => vec![label("channelArn")],
            Resource::User => vec![named("appInstanceUserArn", "user")],
            Resource::AppInstanceAndUser => {
                let in_body = self.hints.app_instance_admin_arn.clone();
                vec![app_instance(), in_body.unwrap_or_else(|| named("appInstanceAdminArn", "user"))]
            }
            Resource::AppInstance => vec![app_instance()],
            Resource::Bot => vec![named("appInstanceBotArn", "bot")],
            Resource::ChannelFlow => {
                let flow = self.labels.get("channelFlowArn").or_else(|| self.query.get("channel-flow-arn"));
                vec![flow.map_or_else(|| below("channel-flow"), str::to_owned)]
            }
            // Ids are taken in capital letters too, which must not lead past a Deny.
            Resource::Meeting => {
                vec![own(format!("meeting/{}", label("meetingId").to_ascii_lowercase()))]
            }
            Resource::VoiceConnector => vec![own(format!("vc/{}", label("voiceConnectorId")))],
            Resource::SipMediaApplication => vec![own(format!("sma/{}", label("sipMediaApplicationId")))],
            Resource::Tagged => self.hints.tagged(self.query).map(str::to_owned).into_iter().collect(),
        };
        if many.is_empty() { vec!["*".into()] } else { many }
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

/// The tags of the meeting that a request is about, by which policies may decide (`aws:ResourceTag`).
///
/// # Errors
///
/// The store's failure.
pub(crate) async fn resource_tags(
    app: &App,
    caller: &Caller,
    operation: &Operation,
    labels: &Labels,
    tagged: Option<&str>,
) -> Result<Vec<Tag>, StoreError> {
    let meeting = match operation.resource {
        Resource::Meeting => labels.get("meetingId").map(str::to_ascii_lowercase),
        Resource::Tagged => tagged.and_then(|arn| Some(arn.rsplit_once(":meeting/")?.1)).map(str::to_owned),
        _ => None,
    };
    let meeting = meeting.filter(|_| !caller.policies.is_owner()).and_then(|id| MeetingId::new(id).ok());
    let Some(meeting) = meeting else { return Ok(Vec::new()) };
    match app.chime().meetings().get_meeting(&meeting).await {
        Ok(found) => {
            Ok(found.tags.iter().map(|tag| Tag::new(tag.key.as_str(), tag.value.as_str())).collect())
        }
        Err(ServiceError::Store(error)) => Err(error),
        // Whether there is one is told to those who may ask.
        Err(_) => Ok(Vec::new()),
    }
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
) -> Result<(), ApiError> {
    let operation = subject.operation;
    let resources = subject.resources(app, acting);
    let resources: Vec<_> = resources.iter().map(String::as_str).collect();
    let request_tags: Vec<_> =
        subject.hints.tags.iter().flatten().map(|tag| Tag::new(&tag.key, &tag.value)).collect();
    let ctx = context(app, caller, subject, &request_tags);
    let names_no_user = operation.bearer == Bearer::Required && *acting == Acting::Nobody;
    if names_no_user && caller.policies.is_owner() {
        // The owner may do this as anybody; that nobody was named is found after the input was (wire rule E-07).
        return Ok(());
    }
    let denied_anyway = |resources: &[&str]| decide(&caller.policies, operation, resources, &ctx).is_err();
    if names_no_user && !(operation.resource == Resource::ActingUserAndChannel && denied_anyway(&resources)) {
        return Err(bad_bearer().into());
    }
    decide(&caller.policies, operation, &resources, &ctx).map_err(|refused| {
        let resource = resources.get(refused.resource).copied().unwrap_or("*");
        let action = format!("chime:{}", operation.name);
        ApiError::AccessDenied(denied_message(&caller.arn, &action, resource, refused.verdict))
    })
}

/// Policies may grant either name of an operation that has two (rule IAM-21); a Deny of either denies.
fn decide(
    policies: &PolicySet,
    operation: &Operation,
    resources: &[&str],
    ctx: &RequestContext<'_>,
) -> Result<(), Refused> {
    let by_name = |name: &str| policies.evaluate_all(&format!("chime:{name}"), resources, ctx).map(|_| ());
    let Some(other) = operation.legacy_name else { return by_name(operation.name) };
    match (by_name(operation.name), by_name(other)) {
        (Err(refused), _) | (_, Err(refused)) if matches!(refused.verdict, Verdict::ExplicitDeny(_)) => {
            Err(refused)
        }
        (one, another) => one.or(another),
    }
}

/// What policies can test of a request.
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
        resource_tags: subject.resource_tags,
        request_tag_keys: subject.hints.tag_keys.as_deref().unwrap_or_default(),
        ..caller.context(app.chime().now())
    }
}
