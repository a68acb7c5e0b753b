//! What a request is about: the resources that policies have to allow it on, with their tags.

use chime_domain::access::policy::{PolicySet, RequestContext, Tag};
use chime_domain::error::{ServiceError, StoreError};
use chime_domain::identity::{self, Resource as Taggable};
use chime_domain::ids::MeetingId;

use super::Subject;
use crate::api::Acting;
use crate::api::operations::Resource;
use crate::app::App;

/// A resource that policies are asked about.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Its ARN, or a pattern of those that are meant.
    pub(crate) arn: String,
    /// Its tags, when a policy may ask for them (`aws:ResourceTag`).
    pub(crate) tags: Vec<Tag>,
}

impl Asked {
    /// One resource, for a principal with these policies.
    ///
    /// # Errors
    ///
    /// The store's failure: without the tags, a Deny that names them would be passed over.
    pub(crate) async fn of(app: &App, policies: &PolicySet, arn: String) -> Result<Self, StoreError> {
        let tags = if policies.may_ask_for_resource_tags() { tags(app, &arn).await? } else { Vec::new() };
        let tags = tags.iter().map(|tag| Tag::new(tag.key.as_str(), tag.value.as_str())).collect();
        Ok(Self { arn, tags })
    }

    /// What policies can test of a request about this resource.
    pub(crate) fn context<'a>(&'a self, ctx: &RequestContext<'a>) -> RequestContext<'a> {
        RequestContext { resource_tags: &self.tags, ..*ctx }
    }
}

/// The tags of whatever has this ARN. Whether there is such a thing is told to those who may ask.
async fn tags(app: &App, arn: &str) -> Result<Vec<identity::Tag>, StoreError> {
    if let Some(resource) = Taggable::parse(arn) {
        return app.chime().identity().tags_of(&resource).await;
    }
    let meeting =
        arn.rsplit_once(":meeting/").and_then(|(_, id)| MeetingId::new(id.to_ascii_lowercase()).ok());
    let Some(meeting) = meeting else { return Ok(Vec::new()) };
    match app.chime().meetings().get_meeting(&meeting).await {
        Ok(found) => Ok(found.tags),
        Err(ServiceError::Store(error)) => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

impl Subject<'_> {
    /// What the policies have to allow it on.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub(crate) async fn resources(
        &self,
        app: &App,
        policies: &PolicySet,
        acting: &Acting,
    ) -> Result<Vec<Asked>, StoreError> {
        let mut all = Vec::new();
        for arn in self.arns(app, acting) {
            all.push(Asked::of(app, policies, arn).await?);
        }
        Ok(all)
    }

    /// The ARNs of what the policies have to allow it on.
    fn arns(&self, app: &App, acting: &Acting) -> Vec<String> {
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
