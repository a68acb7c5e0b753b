//! What the context keeps.

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::identity::{StreamingConfiguration, StreamingConfigurations, StreamingDataType};
use crate::messaging::{ChannelEvent, Happening};
use crate::ports::{Announced, Entity, EntryId, Key, Position, Record, Stamp};
use crate::time::Timestamp;

/// How far the outbox was carried into the queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    pub(super) position: Position,
    /// Which pump wrote it.
    pub(super) writer: String,
}

impl Entity for Cursor {
    const NAME: &'static str = "export-cursor";
}

/// What is streamed of an app instance, as of the cursor. Without lanes there is only a queue left to be dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportState {
    /// Of the configurations that it follows; `None` when an older version set them, or when there are none.
    pub(super) id: Option<String>,
    pub(super) lanes: Vec<Lane>,
}

/// One data type that is streamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lane {
    #[serde(flatten)]
    pub(super) to: StreamingConfiguration,
    /// Only what was announced after this is streamed (rule STR-14).
    pub(super) after: Position,
}

impl Entity for ExportState {
    const NAME: &'static str = "export-state";
}

impl ExportState {
    pub(super) fn lane(&self, data_type: StreamingDataType) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.to.data_type == data_type)
    }

    /// What it becomes with other configurations. Data types that are streamed already go on.
    pub(super) fn changed(
        &self,
        id: Option<String>,
        configurations: &[StreamingConfiguration],
        at: Position,
    ) -> Self {
        let lane = |to: &StreamingConfiguration| Lane {
            to: to.clone(),
            after: self.lane(to.data_type).map_or(at, |lane| lane.after),
        };
        Self { id, lanes: configurations.iter().map(lane).collect() }
    }

    /// True when it follows these configurations, which are in force now.
    pub(super) fn follows(&self, now: Option<&StreamingConfigurations>) -> bool {
        match now {
            Some(now) => !self.lanes.is_empty() && self.id == now.id,
            None => self.lanes.is_empty(),
        }
    }

    pub(super) fn groups(&self) -> Vec<ExportGroup> {
        match self.lanes.as_slice() {
            [one, other] if one.to.resource_arn != other.to.resource_arn => {
                vec![ExportGroup::of(one.to.data_type), ExportGroup::of(other.to.data_type)]
            }
            // A data type that is not streamed goes along, so that what is left of it is dropped.
            _ => vec![ExportGroup::Both],
        }
    }
}

/// Data types of an app instance that are drained together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExportGroup {
    /// Channels alone.
    Channel,
    /// Messages alone.
    ChannelMessage,
    /// Both, which go to one stream or of which at most one is streamed.
    Both,
}

impl ExportGroup {
    const fn of(data_type: StreamingDataType) -> Self {
        match data_type {
            StreamingDataType::Channel => Self::Channel,
            StreamingDataType::ChannelMessage => Self::ChannelMessage,
        }
    }

    pub(super) const fn data_types(self) -> &'static [StreamingDataType] {
        match self {
            Self::Channel => &[StreamingDataType::Channel],
            Self::ChannelMessage => &[StreamingDataType::ChannelMessage],
            Self::Both => &[StreamingDataType::Channel, StreamingDataType::ChannelMessage],
        }
    }
}

/// An announcement that waits to be exported.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Queued {
    /// The announced record, as it is stored.
    record: String,
    /// Id, sequence number and moment of an appended entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<(EntryId, u64, Timestamp)>,
    /// When it was queued.
    pub(super) at: Timestamp,
}

impl Entity for Queued {
    const NAME: &'static str = "export-queued";
}

impl Queued {
    pub(super) fn new(announced: &Announced, at: Timestamp) -> Result<Self, StoreError> {
        let record = std::str::from_utf8(announced.record.bytes())
            .map_err(|error| StoreError::corrupt("an announcement", error))?;
        let entry = announced.entry.as_ref().map(|(id, stamp)| (id.clone(), stamp.seq, stamp.at));
        Ok(Self { record: record.to_owned(), entry, at })
    }

    pub(super) fn happening(&self, key: &Key, position: Position) -> Result<Happening, StoreError> {
        let entry = self.entry.as_ref().map(|(id, seq, at)| (id.clone(), Stamp { seq: *seq, at: *at }));
        let announced = Announced {
            position,
            subject: key.clone(),
            record: Record::from_bytes(self.record.as_bytes()),
            entry,
        };
        Happening::read(&announced)?
            .ok_or_else(|| StoreError::Corrupt { what: key.to_string(), source: None })
    }
}

/// The data type that covers something (rules STR-09, STR-10, STR-16); `None` for what no data type does.
pub(super) fn data_type(happening: &Happening) -> Option<StreamingDataType> {
    let event = match happening {
        Happening::MessageCreated(_) => return Some(StreamingDataType::ChannelMessage),
        Happening::Event(event) => event,
    };
    match &**event {
        ChannelEvent::MessageUpdated(..)
        | ChannelEvent::MessageRedacted(..)
        | ChannelEvent::MessageDeleted(..) => Some(StreamingDataType::ChannelMessage),
        ChannelEvent::ChannelCreated(_)
        | ChannelEvent::ChannelUpdated(_)
        | ChannelEvent::ChannelDeleted(_)
        | ChannelEvent::MembershipCreated(_)
        | ChannelEvent::MembershipDeleted(_)
        | ChannelEvent::ModeratorCreated(_)
        | ChannelEvent::ModeratorDeleted(_)
        | ChannelEvent::BanCreated(_)
        | ChannelEvent::BanDeleted(_)
        // Of elastic channels, as later guides have it.
        | ChannelEvent::MembershipMoved(..)
        | ChannelEvent::SubChannelCreated(..)
        | ChannelEvent::SubChannelDeleted(..) => Some(StreamingDataType::Channel),
        ChannelEvent::MessageStatus(..) => None,
    }
}
