//! Messages that a flow is at, or has failed at.

use std::sync::Arc;

use super::rules;
use super::types::{FailedMessage, FlowWork};
use crate::arn::ChannelArn;
use crate::error::ServiceError;
use crate::flow::{Decision, Loaded, load};
use crate::ids::{MessageId, SubChannelId};
use crate::messaging::keys;
use crate::messaging::service::Messaging;
use crate::messaging::types::{Message, MessageStatus, Sent};
use crate::ports::{Entry, Stamp};

/// Where such a message is.
enum UnderWay {
    Pending(Entry, Arc<FlowWork>),
    Failed(Loaded<FailedMessage>, Arc<FailedMessage>),
}

impl UnderWay {
    fn message(&self) -> &Message {
        match self {
            Self::Pending(_, work) => &work.message,
            Self::Failed(_, failed) => &failed.message,
        }
    }

    fn sent(&self) -> Sent {
        let (stamp, status) = match self {
            Self::Pending(entry, _) => (entry.stamp, MessageStatus::Pending),
            Self::Failed(_, failed) => (Stamp { seq: 0, at: failed.at }, MessageStatus::Failed),
        };
        Sent { message: Arc::new(self.message().clone()), stamp, status }
    }
}

impl Messaging<'_> {
    /// The caller's own message that a flow is at, or has failed at.
    pub(in crate::messaging) async fn under_way(
        &self,
        channel: &ChannelArn,
        id: &MessageId,
    ) -> Result<Option<Sent>, ServiceError> {
        let (_, bearer) = self.parts();
        let found = self.in_flow(channel, id).await?;
        Ok(found.filter(|found| found.message().sender.arn == *bearer).map(|found| found.sent()))
    }

    /// Takes anybody's message away that a flow is at, or has failed at; `None` when there is none in that sub-channel.
    pub(in crate::messaging) async fn withdraw(
        &self,
        channel: &ChannelArn,
        sub_channel: Option<&SubChannelId>,
        id: &MessageId,
    ) -> Result<Option<Decision<Option<MessageStatus>>>, ServiceError> {
        let (chime, _) = self.parts();
        let found = self.in_flow(channel, id).await?;
        let found = found.filter(|found| found.message().sub_channel.as_ref() == sub_channel);
        Ok(found.map(|found| match found {
            UnderWay::Pending(entry, work) => rules::withdraw(&entry, &work, chime.now()),
            UnderWay::Failed(failed, _) => rules::forget(&failed),
        }))
    }

    async fn in_flow(&self, channel: &ChannelArn, id: &MessageId) -> Result<Option<UnderWay>, ServiceError> {
        let (chime, _) = self.parts();
        let queued = chime.store().entry(&keys::flow_queue(channel), &Arc::from(id.as_str())).await?;
        if let Some(entry) = queued {
            let work = entry.record.read::<FlowWork>()?;
            return Ok(Some(UnderWay::Pending(entry, work)));
        }
        let found = load::<FailedMessage>(chime.store(), keys::failed_message(channel, id)).await?;
        let failed = found.shared().filter(|failed| failed.until > chime.now());
        Ok(failed.map(|failed| UnderWay::Failed(found, failed)))
    }
}
