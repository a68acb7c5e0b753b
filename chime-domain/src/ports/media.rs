//! Where meetings happen: the media services, as the rules see them.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::Cause;
use crate::ids::{AttendeeId, MeetingId};

/// What an attendee may do with one kind of media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaCapability {
    /// Both.
    #[default]
    SendReceive,
    /// Give, not get.
    Send,
    /// Get, not give.
    Receive,
    /// Neither.
    None,
}

impl MediaCapability {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::SendReceive, Self::Send, Self::Receive, Self::None];

    /// Whether it may give.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendReceive | Self::Send)
    }

    /// Whether it may get.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendReceive | Self::Receive)
    }
}

/// What an attendee may do: `AttendeeCapabilities`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Capabilities {
    /// With audio.
    pub audio: MediaCapability,
    /// With cameras.
    pub video: MediaCapability,
    /// With shared content.
    pub content: MediaCapability,
}

/// The URLs of a meeting (rule MTG-02).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MediaPlacement {
    /// Host and port of audio.
    pub audio_host_url: String,
    /// Where audio goes that cannot go there.
    pub audio_fallback_url: String,
    /// The meeting's WebSocket; it has no query.
    pub signaling_url: String,
    /// Where relays are asked for.
    pub turn_control_url: String,
    /// Of the screen sharing of old clients.
    pub screen_data_url: String,
    /// Of the screen sharing of old clients.
    pub screen_viewing_url: String,
    /// Of the screen sharing of old clients.
    pub screen_sharing_url: String,
    /// Where clients tell what happens to them.
    pub event_ingestion_url: String,
}

/// Where a meeting lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// The name of the node.
    pub node: String,
    /// What its clients are told.
    pub urls: MediaPlacement,
}

/// No meeting can be placed now.
#[derive(Debug, thiserror::Error)]
#[error("no meeting can be placed now")]
pub struct MediaError(#[source] pub Cause);

/// Carries the media of meetings.
///
/// It is told of what the rules decide. What happens in meetings it tells the rules, by `Meetings::report`; who may
/// join it asks them, by `Meetings::admit`.
#[async_trait]
pub trait MediaPlane: Send + Sync + fmt::Debug {
    /// Where a meeting that is created now in `region` will live: a node's name, and the URLs that its clients are
    /// told. A creation that is overtaken, or that fails afterwards, leaves a placement that nothing refers to.
    ///
    /// # Errors
    ///
    /// [`MediaError`] when there is no room anywhere.
    async fn place(&self, meeting: &MeetingId, region: &str) -> Result<Placement, MediaError>;

    /// A meeting ended: everybody is disconnected, with audio status 410. Best effort; told again when in doubt.
    async fn end(&self, meeting: &MeetingId, node: &str);

    /// An attendee was deleted: it is disconnected, with audio status 411, and its content share too.
    async fn remove(&self, meeting: &MeetingId, node: &str, attendee: &AttendeeId);

    /// What an attendee may do has changed.
    async fn capabilities(
        &self,
        meeting: &MeetingId,
        node: &str,
        attendee: &AttendeeId,
        capabilities: Capabilities,
    );
}

/// No media at all: meetings can be made and asked for, and their URLs lead nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMedia;

impl NoMedia {
    /// The name of the node on which nothing lives.
    pub const NODE: &'static str = "none";
}

#[async_trait]
impl MediaPlane for NoMedia {
    async fn place(&self, meeting: &MeetingId, _: &str) -> Result<Placement, MediaError> {
        Ok(Placement {
            node: Self::NODE.to_owned(),
            urls: MediaPlacement::at("media.invalid", "media.invalid:3478", meeting),
        })
    }

    async fn end(&self, _: &MeetingId, _: &str) {}

    async fn remove(&self, _: &MeetingId, _: &str, _: &AttendeeId) {}

    async fn capabilities(&self, _: &MeetingId, _: &str, _: &AttendeeId, _: Capabilities) {}
}

impl MediaPlacement {
    /// The URLs of a meeting at a host of secure WebSockets and HTTP, and at one of audio; both may have a port. Their
    /// shapes are those of public answers of the vendor's service.
    #[must_use]
    pub fn at(host: &str, audio: &str, meeting: &MeetingId) -> Self {
        Self {
            audio_host_url: audio.to_owned(),
            audio_fallback_url: format!("wss://{host}/calls/{meeting}"),
            signaling_url: format!("wss://{host}/control/{meeting}"),
            turn_control_url: format!("https://{host}/v2/turn_sessions"),
            screen_data_url: format!("wss://{host}/v2/screen/{meeting}"),
            screen_viewing_url: format!(
                "wss://{host}/ws/connect?passcode=null&viewer_uuid=null&X-BitHub-Call-Id={meeting}"
            ),
            screen_sharing_url: format!("wss://{host}/v2/screen/{meeting}"),
            event_ingestion_url: format!("https://{host}/events/{meeting}"),
        }
    }

    /// The URLs of another meeting at the same place.
    #[must_use]
    pub fn of_another(&self, this: &MeetingId, other: &MeetingId) -> Self {
        let of = |url: &String| url.replace(this.as_str(), other.as_str());
        Self {
            audio_host_url: self.audio_host_url.clone(),
            audio_fallback_url: of(&self.audio_fallback_url),
            signaling_url: of(&self.signaling_url),
            turn_control_url: of(&self.turn_control_url),
            screen_data_url: of(&self.screen_data_url),
            screen_viewing_url: of(&self.screen_viewing_url),
            screen_sharing_url: of(&self.screen_sharing_url),
            event_ingestion_url: of(&self.event_ingestion_url),
        }
    }
}
