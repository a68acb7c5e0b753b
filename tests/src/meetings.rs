//! Media services and listeners that note what they are told.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::ports::{
    AnnounceError, Announcer, Capabilities, EventTarget, MediaError, MediaPlacement, MediaPlane, Placement,
};
use chime_domain::text::Private;
use serde_json::Value;

/// Media services of one node that carry nothing and note everything.
#[derive(Debug, Default)]
pub struct NotedMedia {
    told: Mutex<Vec<String>>,
    full: Mutex<bool>,
}

impl NotedMedia {
    /// The name of the node.
    pub const NODE: &'static str = "node-1";

    fn note(&self, what: String) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What it was told since it was asked last.
    pub fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on there is no room, or there is again.
    pub fn is_full(&self, full: bool) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = full;
    }
}

#[async_trait]
impl MediaPlane for NotedMedia {
    async fn place(&self, meeting: &MeetingId, region: &str) -> Result<Placement, MediaError> {
        if *self.full.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(MediaError("no room".into()));
        }
        let urls = MediaPlacement::at(&format!("{region}.test"), &format!("{region}.test:3478"), meeting);
        Ok(Placement { node: Self::NODE.into(), urls })
    }

    async fn end(&self, meeting: &MeetingId, node: &str) {
        self.note(format!("end {meeting} {node}"));
    }

    async fn remove(&self, meeting: &MeetingId, node: &str, attendee: &AttendeeId) {
        self.note(format!("remove {meeting} {node} {attendee}"));
    }

    async fn capabilities(
        &self,
        meeting: &MeetingId,
        node: &str,
        attendee: &AttendeeId,
        capabilities: Capabilities,
    ) {
        self.note(format!("capabilities {meeting} {node} {attendee} {:?}", capabilities.audio));
    }
}

/// Listeners who note events, and fail as they are told.
#[derive(Debug, Default)]
pub struct NotedEvents {
    /// Whether somebody hears of every meeting.
    pub standing: Vec<EventTarget>,
    told: Mutex<Vec<(EventTarget, Value)>>,
    failing: Mutex<Vec<EventTarget>>,
}

impl NotedEvents {
    /// With somebody who hears of every meeting.
    #[must_use]
    pub fn standing() -> Arc<Self> {
        Arc::new(Self { standing: vec![EventTarget::Standing("bus".into())], ..Self::default() })
    }

    /// Every event that was told since it was asked last, with who was told.
    pub fn told(&self) -> Vec<(EventTarget, Value)> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The types of the events since it was asked last, in alphabetical order: events may come in any.
    pub fn types(&self) -> Vec<String> {
        let mut types: Vec<String> = self
            .told()
            .into_iter()
            .map(|(_, event)| {
                event.pointer("/detail/eventType").and_then(Value::as_str).unwrap_or_default().to_owned()
            })
            .map(|name| name.trim_start_matches("chime:").to_owned())
            .collect();
        types.sort();
        types
    }

    /// From now on these cannot be reached.
    pub fn fail(&self, targets: &[EventTarget]) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = targets.to_vec();
    }
}

#[async_trait]
impl Announcer for NotedEvents {
    fn standing(&self) -> Vec<EventTarget> {
        self.standing.clone()
    }

    fn takes_targets(&self) -> bool {
        true
    }

    async fn tell(
        &self,
        event: &Private<Vec<u8>>,
        targets: &[EventTarget],
    ) -> Vec<Result<(), AnnounceError>> {
        let event: Value = serde_json::from_slice(&event.0).unwrap_or_default();
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |target: &EventTarget| {
            if failing.contains(target) {
                return Err(AnnounceError::Unreachable("down".into()));
            }
            told.push((target.clone(), event.clone()));
            Ok(())
        };
        targets.iter().map(one).collect()
    }
}
