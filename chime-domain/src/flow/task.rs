//! What is to be done later: rows of the store, claimed with a lease, driven by the clock port.

use serde::{Deserialize, Serialize};

use crate::ports::{Change, Entity, Key, Record};
use crate::time::Timestamp;

/// What a task does. Each is idempotent: it looks at what is so, and does nothing when nothing is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TaskKind {
    /// Forgets an idempotency token.
    ForgetToken,
    /// Deletes messages past the retention period of an app instance.
    SweepRetention,
    /// Removes what a deleted channel left.
    PurgeChannel,
    /// Removes what a deleted user left.
    PurgeUser,
    /// Removes what a deleted app instance left.
    PurgeAppInstance,
    /// Deletes a user whose expiration has come.
    ExpireUser,
    /// Deletes a channel whose expiration has come.
    ExpireChannel,
    /// Looks after the queue of a channel's flow.
    RunFlow,
    /// Forgets a message that a channel's flow failed to process.
    ForgetFailedMessage,
    /// Tells the devices of a channel's members of a message.
    Push,
    /// Tells a bot a message, and sends its answer.
    AskBot,
    /// Joins the sub-channels of an elastic channel that have too few members.
    BalanceElastic,
    /// Ends a meeting whose time has come.
    EndMeeting,
    /// Disconnects who is in a meeting that ended, and removes what it left.
    PurgeMeeting,
    /// Tells those who listen of an event of a meeting.
    TellMeetingEvent,
}

/// What a task waits for while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The store alone, and not for long.
    Inward,
    /// The store alone, for as long as there is something to remove. What is timed must not wait for it.
    Patient,
    /// Others, beyond our control: functions, devices. Such tasks must not hold up the rest.
    Outward,
}

impl TaskKind {
    /// What it waits for.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::RunFlow | Self::Push | Self::AskBot | Self::PurgeMeeting | Self::TellMeetingEvent => {
                Lane::Outward
            }
            Self::SweepRetention
            | Self::PurgeChannel
            | Self::PurgeUser
            | Self::PurgeAppInstance
            | Self::BalanceElastic => Lane::Patient,
            _ => Lane::Inward,
        }
    }
}

/// A task, in its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What to do.
    pub kind: TaskKind,
    /// Not before this moment.
    pub due: Timestamp,
    /// What it is about.
    pub subject: Vec<String>,
    /// Until when somebody is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased: Option<Timestamp>,
}

impl Entity for Task {
    const NAME: &'static str = "task";
}

impl Task {
    /// A task for later.
    #[must_use]
    pub fn new(kind: TaskKind, due: Timestamp, subject: impl IntoIterator<Item = String>) -> Self {
        Self { kind, due, subject: subject.into_iter().collect(), leased: None }
    }

    /// The key of its record. Two tasks of one kind, moment and subject are one.
    #[must_use]
    pub fn key(&self) -> Key {
        let due = self.due.millis().max(0);
        Key::new(
            "task",
            &[&format!("{due:015}"), &format!("{:?}", self.kind), &self.subject.join(":").replace('/', "|")],
        )
    }

    /// The change that puts it on the list.
    #[must_use]
    pub fn schedule(&self) -> Change {
        Change::Put(self.key(), Record::of(self.clone()))
    }
}
