//! Where the context keeps its records.

use crate::identity::StreamingDataType;
use crate::ports::{Key, Position};

pub(super) fn cursor() -> Key {
    Key::new("export", &["cursor"])
}

pub(super) fn states() -> Key {
    Key::new("export-state", &[])
}

pub(super) fn state(app_instance_id: &str) -> Key {
    Key::new("export-state", &[app_instance_id])
}

const fn name(data_type: StreamingDataType) -> &'static str {
    match data_type {
        StreamingDataType::Channel => "channel",
        StreamingDataType::ChannelMessage => "channel-message",
    }
}

pub(super) fn lease(app_instance_id: &str, data_type: StreamingDataType) -> Key {
    Key::new("export-lease", &[app_instance_id, name(data_type)])
}

pub(super) fn queue(app_instance_id: &str, data_type: StreamingDataType) -> Key {
    Key::new("export-queue", &[app_instance_id, name(data_type)])
}

pub(super) fn queued(app_instance_id: &str, data_type: StreamingDataType, position: Position) -> Key {
    Key::new("export-queue", &[app_instance_id, name(data_type), &place(position)])
}

/// A position as text whose order is that of positions.
pub(super) fn place(position: Position) -> String {
    format!("{:020}", position.0)
}

/// Counts what is queued of an app instance.
pub(super) fn length(app_instance_id: &str) -> Key {
    Key::new("export-length", &[app_instance_id])
}
