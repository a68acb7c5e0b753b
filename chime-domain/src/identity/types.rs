//! Entities and commands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn, ChannelFlowArn};
use crate::error::{ErrorCode, Refusal};
use crate::ids::{AppInstanceUserId, ClientRequestToken};
use crate::limits::{Limits, PERIOD_DAYS, Quota};
use crate::ports::Entity;
use crate::text::{Metadata, ResourceName, TagKey, TagValue, UserName};
use crate::time::Timestamp;

/// A user with its name at the time of the act: `{Arn, Name}` in the documentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRef {
    /// Who.
    pub arn: AppInstanceUserArn,
    /// The name then.
    pub name: UserName,
}

/// An app instance (rule APP-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppInstance {
    /// Its ARN.
    pub arn: AppInstanceArn,
    /// Its name.
    pub name: ResourceName,
    /// Its metadata.
    pub metadata: Metadata,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Entity for AppInstance {
    const NAME: &'static str = "app-instance";
}

/// A user of an app instance (rule APP-06).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppInstanceUser {
    /// Its ARN.
    pub arn: AppInstanceUserArn,
    /// Its name.
    pub name: UserName,
    /// Its metadata.
    pub metadata: Metadata,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// When it is deleted by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<Expiration>,
}

impl Entity for AppInstanceUser {
    const NAME: &'static str = "user";
}

impl AppInstanceUser {
    /// The user as others' records name it.
    #[must_use]
    pub fn identity(&self) -> IdentityRef {
        IdentityRef { arn: self.arn.clone(), name: self.name.clone() }
    }
}

/// An administrator of an app instance (rule APP-08).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppInstanceAdmin {
    /// The user who is one.
    pub admin: IdentityRef,
    /// Since when.
    pub created: Timestamp,
}

impl Entity for AppInstanceAdmin {
    const NAME: &'static str = "admin";
}

/// From which moment the days of an expiration count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExpirationCriterion {
    /// From the creation.
    CreatedTimestamp,
    /// From the last message; channels only.
    LastMessageTimestamp,
}

/// When something is deleted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiration {
    /// After so many days, 1 to 5,475.
    pub days: u32,
    /// From which moment.
    pub criterion: ExpirationCriterion,
}

impl Expiration {
    /// Checks the days.
    ///
    /// # Errors
    ///
    /// A bad request when they are out of bounds.
    pub fn new(days: u32, criterion: ExpirationCriterion) -> Result<Self, Refusal> {
        if PERIOD_DAYS.contains(&days) {
            Ok(Self { days, criterion })
        } else {
            Err(Refusal::bad_request("RET-02", format!("ExpirationDays is {days}, outside 1 to 5475.")))
        }
    }
}

/// The retention of the messages of an app instance (rules RET-01 to RET-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The period; `None` when it is turned off.
    pub days: Option<u32>,
    /// When that was set; the grace period counts from here.
    pub set: Timestamp,
    /// Messages made before this moment were permanently deleted under earlier settings.
    pub purged: Timestamp,
}

impl Entity for Retention {
    const NAME: &'static str = "retention";
}

/// A tag of a resource (rule APP-21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Its key.
    pub key: TagKey,
    /// Its value.
    pub value: TagValue,
}

/// The tags of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(pub Vec<Tag>);

impl Entity for Tags {
    const NAME: &'static str = "tags";
}

impl Tags {
    /// These and `added`, of which those of a known key replace its value.
    ///
    /// # Errors
    ///
    /// The quota's refusal when they are too many (rule APP-21).
    pub(crate) fn with(&self, added: &[Tag], limits: &Limits) -> Result<Self, Refusal> {
        let mut all = self.0.clone();
        for tag in added {
            match all.iter_mut().find(|known| known.key == tag.key) {
                Some(known) => known.value = tag.value.clone(),
                None => all.push(tag.clone()),
            }
        }
        let limit = limits.get(Quota::TagsPerResource);
        if all.len() as u64 > limit {
            return Err(Refusal::new(
                ErrorCode::ResourceLimitExceeded,
                "APP-21",
                format!("The resource would have {} tags, more than {limit}.", all.len()),
            )
            .unless("remove tags first."));
        }
        Ok(Self(all))
    }
}

/// A resource that can be tagged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// An app instance.
    AppInstance(AppInstanceArn),
    /// A user.
    User(AppInstanceUserArn),
    /// A channel.
    Channel(ChannelArn),
    /// A channel flow.
    Flow(ChannelFlowArn),
}

impl Resource {
    /// The resource with this ARN; `None` for the ARN of anything else, and for what is no ARN.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let instance = || AppInstanceArn::parse(arn).map(Self::AppInstance);
        let user = || AppInstanceUserArn::parse(arn).map(Self::User);
        let channel = || ChannelArn::parse(arn).map(Self::Channel);
        let flow = || ChannelFlowArn::parse(arn).map(Self::Flow);
        instance().or_else(|_| user()).or_else(|_| channel()).or_else(|_| flow()).ok()
    }
}

/// What a streaming configuration exports (rule STR-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StreamingDataType {
    /// Channels, memberships, moderators and bans.
    Channel,
    /// Messages.
    ChannelMessage,
}

/// Where one data type is streamed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamingConfiguration {
    /// What.
    pub data_type: StreamingDataType,
    /// The ARN of the Kinesis stream.
    pub resource_arn: Arc<str>,
}

/// The streaming configurations of an app instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamingConfigurations {
    /// One or two, of different types.
    pub configurations: Vec<StreamingConfiguration>,
    /// Since when; nothing that happened before is streamed (rule STR-14).
    pub since: Timestamp,
    /// Of this setting of them, as the outbox tells of it. What an older version set has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Entity for StreamingConfigurations {
    const NAME: &'static str = "streaming";
}

/// `CreateAppInstance`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CreateAppInstance {
    /// Its name.
    pub name: ResourceName,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Makes the creation repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

impl CreateAppInstance {
    /// An app instance of that name.
    #[must_use]
    pub fn new(name: ResourceName) -> Self {
        Self { name, metadata: Metadata::empty(), tags: Vec::new(), client_request_token: None }
    }
}

/// `UpdateAppInstance`; what is absent stays (wire rule D-04).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpdateAppInstance {
    /// Which.
    pub arn: AppInstanceArn,
    /// A new name.
    pub name: Option<ResourceName>,
    /// New metadata.
    pub metadata: Option<Metadata>,
}

impl UpdateAppInstance {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn new(arn: AppInstanceArn) -> Self {
        Self { arn, name: None, metadata: None }
    }
}

/// `CreateAppInstanceUser`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CreateAppInstanceUser {
    /// In which app instance.
    pub app_instance: AppInstanceArn,
    /// Its id, chosen by the caller.
    pub id: AppInstanceUserId,
    /// Its name.
    pub name: UserName,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// When it is deleted by itself.
    pub expiration: Option<Expiration>,
    /// Makes the creation repeatable.
    #[serde(skip)]
    pub client_request_token: Option<ClientRequestToken>,
}

impl CreateAppInstanceUser {
    /// A user of that id and name.
    #[must_use]
    pub fn new(app_instance: AppInstanceArn, id: AppInstanceUserId, name: UserName) -> Self {
        Self {
            app_instance,
            id,
            name,
            metadata: Metadata::empty(),
            tags: Vec::new(),
            expiration: None,
            client_request_token: None,
        }
    }
}

/// `UpdateAppInstanceUser`; what is absent stays (wire rule D-04).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpdateAppInstanceUser {
    /// Which.
    pub arn: AppInstanceUserArn,
    /// A new name.
    pub name: Option<UserName>,
    /// New metadata.
    pub metadata: Option<Metadata>,
}

impl UpdateAppInstanceUser {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn new(arn: AppInstanceUserArn) -> Self {
        Self { arn, name: None, metadata: None }
    }
}

/// What a deleted user or channel leaves behind while it is being removed; its id cannot be used again until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    /// When it was deleted.
    pub(crate) deleted: Timestamp,
}

impl Entity for Tombstone {
    const NAME: &'static str = "tombstone";
}
