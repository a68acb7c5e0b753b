//! What the context announces.

use serde::{Deserialize, Serialize};

use super::keys;
use super::types::StreamingConfiguration;
use crate::arn::{AppInstanceArn, AppInstanceUserArn};
use crate::ports::{Announce, Entity, Record};

/// An app instance was deleted; nothing of it is accessible any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppInstanceDeleted(pub AppInstanceArn);

impl Entity for AppInstanceDeleted {
    const NAME: &'static str = "app-instance-deleted";
}

/// A user was deleted; its connections end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDeleted(pub AppInstanceUserArn);

impl Entity for UserDeleted {
    const NAME: &'static str = "user-deleted";
}

/// The streaming configurations of an app instance were set, or removed when there are none. What is announced after
/// this is streamed by them (rule STR-14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamingChanged {
    /// Of which app instance.
    pub app_instance: AppInstanceArn,
    /// Of this setting of them, unless they were removed.
    pub id: Option<String>,
    /// All of them.
    pub configurations: Vec<StreamingConfiguration>,
}

impl Entity for StreamingChanged {
    const NAME: &'static str = "streaming-changed";
}

pub(super) fn streaming_changed(
    arn: &AppInstanceArn,
    id: Option<String>,
    configurations: Vec<StreamingConfiguration>,
) -> Announce {
    let record = Record::of(StreamingChanged { app_instance: arn.clone(), id, configurations });
    Announce { subject: keys::streaming(arn), record }
}

pub(super) fn app_instance_deleted(arn: &AppInstanceArn) -> Announce {
    Announce { subject: keys::app_instance(arn), record: Record::of(AppInstanceDeleted(arn.clone())) }
}

pub(super) fn user_deleted(arn: &AppInstanceUserArn) -> Announce {
    Announce { subject: keys::user(arn), record: Record::of(UserDeleted(arn.clone())) }
}
