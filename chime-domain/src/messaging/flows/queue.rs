//! The queue of a channel: one message at a time goes through the processors.

use std::sync::Arc;
use std::time::Duration;

use super::payload;
use super::rules::{self, Destination};
use super::types::{ChannelFlowCallback, FallbackAction, FlowDoing, FlowStep, FlowWork, Processor};
use crate::arn::ChannelArn;
use crate::error::{Refusal, ServiceError, StoreError};
use crate::flow::{Chime, Decision, hex, load};
use crate::ids::CallbackId;
use crate::messaging::types::{Channel, Message, Sent};
use crate::messaging::{bots, keys};
use crate::ports::{Entry, EntryQuery, Invocation, InvocationType, Order};
use crate::time::Timestamp;

/// How long somebody who calls a processor may take before another may: longer than any adapter tries.
const CALL: Duration = Duration::from_secs(30);
/// How many steps are made in one go; what is left is the scheduler's.
const STEPS: usize = 10_000;

/// The message whose turn it is.
struct Turn {
    entry: Entry,
    work: Arc<FlowWork>,
}

pub(super) fn callback_id(chime: &Chime) -> Result<CallbackId, Refusal> {
    let mut bytes = [0; 16];
    chime.entropy().fill(&mut bytes);
    CallbackId::new(hex(&bytes)).map_err(|error| error.of("CallbackId"))
}

impl Chime {
    /// Takes the queue of a channel's flow as far as it goes now: until it is empty, or until a processor was called
    /// whose callback is waited for. Gives the moment at which that has waited long enough.
    ///
    /// # Errors
    ///
    /// The store's errors. What was begun goes on when this is called again.
    pub async fn advance_flow(&self, channel: &ChannelArn) -> Result<Option<Timestamp>, ServiceError> {
        for _ in 0..STEPS {
            let Some(turn) = self.turn(channel).await? else { return Ok(None) };
            let now = self.now();
            match turn.work.step {
                FlowStep::Calling(until) | FlowStep::Called(until) if until > now => return Ok(Some(until)),
                FlowStep::Called(_) => self.fall_back(&turn).await?,
                FlowStep::Ready | FlowStep::Calling(_) => self.call_processor(&turn).await?,
            }
        }
        Ok(Some(self.now()))
    }

    /// `ChannelFlowCallback`. Whoever takes it calls [`Chime::advance_flow`] next.
    ///
    /// # Errors
    ///
    /// A conflict when nothing waits for this callback; a bad request when it names another message or sub-channel.
    pub async fn channel_flow_callback(&self, callback: &ChannelFlowCallback) -> Result<(), ServiceError> {
        self.transact(|_| async {
            let turn = self.turn(&callback.channel).await?;
            let turn = turn.filter(|turn| turn.work.callback == callback.callback);
            let turn = turn.ok_or_else(rules::nothing_waits)?;
            let changed = rules::changed(&turn.work, callback)?;
            if callback.deny {
                return Ok(rules::deny(&turn.entry, &turn.work, self.now()));
            }
            self.passed(&turn, changed).await
        })
        .await
    }

    async fn turn(&self, channel: &ChannelArn) -> Result<Option<Turn>, ServiceError> {
        let query = EntryQuery {
            stream: keys::flow_queue(channel),
            not_before: Timestamp::MIN,
            not_after: Timestamp::MAX,
            behind: None,
            order: Order::Ascending,
            limit: 1,
        };
        let Some(entry) = self.store().entries(query).await?.into_iter().next() else { return Ok(None) };
        let work = entry.record.read::<FlowWork>()?;
        Ok(Some(Turn { entry, work }))
    }

    /// Calls the processor whose turn it is, once this is ours to do.
    async fn call_processor(&self, turn: &Turn) -> Result<(), ServiceError> {
        let claimed = FlowWork { step: FlowStep::Calling(self.now() + CALL), ..FlowWork::clone(&turn.work) };
        if !self.settle(rules::replace(&turn.entry, &turn.work, claimed.clone())).await? {
            return Ok(());
        }
        let Some(processor) = claimed.left.first() else { return Ok(()) };
        let invocation = Invocation {
            function: Arc::clone(&processor.function),
            kind: InvocationType::Event,
            payload: payload::event(&claimed, turn.entry.stamp.at),
        };
        let reached = self.functions().invoke(invocation).await;
        let claimed = Turn { entry: turn.entry.clone(), work: Arc::new(claimed) };
        match reached {
            Ok(_) => {
                let step = FlowStep::Called(self.now() + self.settings().callback_timeout);
                let called = FlowWork { step, ..FlowWork::clone(&claimed.work) };
                // A conflict is good news: it has called back before we could note that it was called.
                self.settle(rules::replace(&claimed.entry, &claimed.work, called)).await.map(drop)
            }
            Err(_) => self.fall_back(&claimed).await,
        }
    }

    /// The processor could not be reached, or did not call back.
    async fn fall_back(&self, turn: &Turn) -> Result<(), ServiceError> {
        let fallback =
            turn.work.left.first().map_or(FallbackAction::Continue, |Processor { fallback, .. }| *fallback);
        let decision = match fallback {
            FallbackAction::Continue => self.passed(turn, FlowWork::clone(&turn.work)).await?,
            FallbackAction::Abort => rules::fail(&turn.entry, &turn.work, self.now()),
        };
        self.settle(decision).await.map(drop)
    }

    /// The processor is done with it: the next one's turn, or the release.
    async fn passed(&self, turn: &Turn, work: FlowWork) -> Result<Decision<()>, ServiceError> {
        if let Some(next) = rules::passed(&work, callback_id(self)?) {
            return Ok(rules::replace(&turn.entry, &turn.work, next));
        }
        let to = Destination {
            channel: load::<Channel>(self.store(), keys::channel(&work.message.channel)).await?,
            message: self.sent(&work.message).await?,
        };
        let is_new = work.doing == FlowDoing::Create && to.message.is_none() && to.channel.exists();
        let told = if is_new { bots::begin(self, &work.message).await? } else { Vec::new() };
        Ok(rules::release(&turn.entry, &turn.work, &work, &to, self.now()).changes(told))
    }

    async fn sent(&self, message: &Message) -> Result<Option<Sent>, ServiceError> {
        let found = self.store().entry(&keys::messages_of(message), &Arc::from(message.id.as_str())).await?;
        let sent = |entry: Entry| Ok::<_, StoreError>(Sent::new(entry.record.read()?, entry.stamp));
        Ok(found.map(sent).transpose()?)
    }

    /// Commits a step; false when another made one first.
    async fn settle(&self, decision: Decision<()>) -> Result<bool, ServiceError> {
        match self.store().commit(decision.batch).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
