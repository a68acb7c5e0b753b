//! What carries the media of meetings on this server: the place where the engine of `chime-media` goes.
//!
//! [`ThisNode`] places every meeting here and carries nothing: its URLs are those that the engine will serve, and whoever
//! opens `SignalingUrl` finds no WebSocket yet. An engine takes its place in `boot.rs`, asks `Meetings::admit` who may
//! join, and tells `Meetings::report` who is there; nothing else of the server has to know.

use async_trait::async_trait;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::ports::{Capabilities, MediaError, MediaPlacement, MediaPlane, Placement};

/// Places meetings on this server, without media.
#[derive(Clone, Debug)]
pub struct ThisNode {
    /// The name of this server among those that share its store.
    pub node: String,
    /// Host and port of its TLS listener, as clients reach it.
    pub host: String,
    /// Host and port of its media, as clients reach them.
    pub media: String,
}

#[async_trait]
impl MediaPlane for ThisNode {
    async fn place(&self, meeting: &MeetingId, _: &str) -> Result<Placement, MediaError> {
        let urls = MediaPlacement::at(&self.host, &self.media, meeting);
        Ok(Placement { node: self.node.clone(), urls })
    }

    async fn end(&self, _: &MeetingId, _: &str) {}

    async fn remove(&self, _: &MeetingId, _: &str, _: &AttendeeId) {}

    async fn capabilities(&self, _: &MeetingId, _: &str, _: &AttendeeId, _: Capabilities) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn meetings_are_placed_here_whatever_region_is_asked_for() {
        let plane =
            ThisNode { node: "a".into(), host: "chime.test:8443".into(), media: "192.0.2.1:3478".into() };
        let id = MeetingId::new("01234567-89ab-4cde-8f01-23456789abcd").unwrap();
        let placed = plane.place(&id, "eu-west-1").await.unwrap();
        assert_eq!(placed.node, "a");
        assert_eq!(placed.urls.signaling_url, format!("wss://chime.test:8443/control/{id}"));
        assert_eq!(placed.urls.audio_host_url, "192.0.2.1:3478");
    }
}
