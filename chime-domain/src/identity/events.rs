//! What the context announces.

use serde::{Deserialize, Serialize};

use super::keys;
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

pub(super) fn app_instance_deleted(arn: &AppInstanceArn) -> Announce {
    Announce { subject: keys::app_instance(arn), record: Record::of(AppInstanceDeleted(arn.clone())) }
}

pub(super) fn user_deleted(arn: &AppInstanceUserArn) -> Announce {
    Announce { subject: keys::user(arn), record: Record::of(UserDeleted(arn.clone())) }
}
