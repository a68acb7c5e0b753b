//! Sees to the queues of channel flows as soon as something has entered or moved on in them.

use chime_domain::arn::ChannelArn;
use chime_domain::flow::Chime;
use chime_domain::messaging::MessageStatus;

use crate::shutdown::Shutdown;

/// Takes channel flows on. What it misses, the scheduler finds within seconds.
#[derive(Clone, Debug)]
pub struct Flows {
    chime: Chime,
    shutdown: Shutdown,
}

impl Flows {
    pub(crate) fn new(chime: Chime, shutdown: Shutdown) -> Self {
        Self { chime, shutdown }
    }

    /// To be called after a message was taken: one that is PENDING waits in the queue of its channel.
    pub(crate) fn after(&self, channel: &ChannelArn, status: MessageStatus) {
        if status == MessageStatus::Pending {
            self.advance(channel);
        }
    }

    /// Takes the queue of a channel on, behind the answer to whoever asked.
    pub(crate) fn advance(&self, channel: &ChannelArn) {
        let (chime, channel, guard) = (self.chime.clone(), channel.clone(), self.shutdown.guard());
        tokio::spawn(async move {
            if let Err(error) = chime.advance_flow(&channel).await {
                tracing::warn!(%error, "a channel flow cannot be taken on now");
            }
            drop(guard);
        });
    }
}
