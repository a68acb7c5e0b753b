//! Where the context keeps its records.

use super::types::Resource;
use crate::arn::{AppInstanceArn, AppInstanceUserArn};
use crate::limits::{QUOTAS, Quota};
use crate::ports::Key;

pub(crate) fn app_instances() -> Key {
    Key::new("app-instance", &[])
}

pub(crate) fn app_instance(arn: &AppInstanceArn) -> Key {
    Key::new("app-instance", &[arn.app_instance_id()])
}

pub(crate) fn retention(arn: &AppInstanceArn) -> Key {
    Key::new("retention", &[arn.app_instance_id()])
}

pub(crate) fn streamings() -> Key {
    Key::new("streaming", &[])
}

pub(crate) fn streaming(arn: &AppInstanceArn) -> Key {
    streaming_of(arn.app_instance_id())
}

pub(crate) fn streaming_of(app_instance_id: &str) -> Key {
    Key::new("streaming", &[app_instance_id])
}

pub(crate) fn users(arn: &AppInstanceArn) -> Key {
    Key::new("user", &[arn.app_instance_id()])
}

pub(crate) fn user(arn: &AppInstanceUserArn) -> Key {
    Key::new("user", &[arn.app_instance_id(), arn.user_id()])
}

pub(crate) fn bots(arn: &AppInstanceArn) -> Key {
    Key::new("bot", &[arn.app_instance_id()])
}

pub(crate) fn bot(arn: &AppInstanceUserArn) -> Key {
    Key::new("bot", &[arn.app_instance_id(), arn.user_id()])
}

pub(crate) fn endpoints(user: &AppInstanceUserArn) -> Key {
    Key::new("endpoint", &[user.app_instance_id(), user.user_id()])
}

pub(crate) fn endpoint(user: &AppInstanceUserArn, id: &str) -> Key {
    Key::new("endpoint", &[user.app_instance_id(), user.user_id(), id])
}

pub(crate) fn deleted_user(arn: &AppInstanceUserArn) -> Key {
    Key::new("deleted-user", &[arn.app_instance_id(), arn.user_id()])
}

pub(crate) fn admins(arn: &AppInstanceArn) -> Key {
    Key::new("admin", &[arn.app_instance_id()])
}

pub(crate) fn admin(arn: &AppInstanceUserArn) -> Key {
    Key::new("admin", &[arn.app_instance_id(), arn.user_id()])
}

pub(crate) fn tags(resource: &Resource) -> Key {
    match resource {
        Resource::AppInstance(arn) => Key::new("tags", &[arn.app_instance_id()]),
        Resource::User(arn) => Key::new("tags", &[arn.app_instance_id(), "user", arn.user_id()]),
        Resource::Channel(arn) => Key::new("tags", &[arn.app_instance_id(), "channel", arn.channel_id()]),
        Resource::Flow(arn) => Key::new("tags", &[arn.app_instance_id(), "channel-flow", arn.flow_id()]),
    }
}

/// The counter of a quota. Its second part is the quota's configuration name, which the refusal prints.
pub(crate) fn counter(quota: Quota, of: &[&str]) -> Key {
    let name = QUOTAS.iter().find(|row| row.quota == quota).map_or("", |row| row.name);
    let mut parts = vec![name];
    parts.extend_from_slice(of);
    Key::new("count", &parts)
}
