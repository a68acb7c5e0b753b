//! What happens in a meeting, told to the rules in order.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use chime_domain::error::{ErrorCode, ServiceError, StoreError};
use chime_domain::flow::Chime;
use chime_domain::ids::{AttendeeId, MeetingId};
use chime_domain::meetings::MediaReport;
use chime_media::event::{Happened, MediaEvent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long to wait for a store that does not answer.
const REST: Duration = Duration::from_millis(500);

/// Takes a meeting's events until the engine has forgotten it.
pub(super) fn start(chime: &Chime, node: &str, meeting: &MeetingId) -> UnboundedSender<MediaEvent> {
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(run(chime.clone(), node.to_owned(), meeting.clone(), receiver));
    sender
}

async fn run(chime: Chime, node: String, meeting: MeetingId, mut events: UnboundedReceiver<MediaEvent>) {
    let mut waiting = Waiting::default();
    loop {
        let next = match waiting.0.pop_front() {
            Some(event) => event,
            None => match events.recv().await {
                Some(event) => event,
                None => return,
            },
        };
        let mut told = pin!(tell(&chime, &node, &meeting, &next));
        loop {
            tokio::select! {
                biased;
                () = &mut told => break,
                Some(event) = events.recv() => waiting.push(event),
            }
        }
    }
}

async fn tell(chime: &Chime, node: &str, meeting: &MeetingId, event: &MediaEvent) {
    let Some(report) = report(event) else { return };
    let replica = event.attendee.replica.as_ref().and_then(|replica| MeetingId::new(&**replica).ok());
    let meeting = replica.as_ref().unwrap_or(meeting);
    while let Err(error) = chime.meetings().report(meeting, node, report.clone()).await {
        if !passes(&error) {
            tracing::warn!(%error, "an event of a meeting is lost");
            return;
        }
        tokio::time::sleep(REST).await;
    }
}

/// What is still to be told. A camera that went off and on again in the meantime did neither, so that whoever plays with the
/// switch fills no memory while the store is slow.
#[derive(Debug, Default)]
struct Waiting(VecDeque<MediaEvent>);

impl Waiting {
    fn push(&mut self, event: MediaEvent) {
        let before = self.0.iter().rposition(|other| {
            let (a, b) = (&other.attendee, &event.attendee);
            (&a.id, a.content, &a.replica) == (&b.id, b.content, &b.replica)
        });
        let undone = |before: &usize| {
            let before = self.0.get(*before).map(|before| before.what);
            matches!(
                (before, event.what),
                (Some(Happened::VideoStarted), Happened::VideoStopped)
                    | (Some(Happened::VideoStopped), Happened::VideoStarted)
            )
        };
        match before.filter(undone) {
            Some(before) => drop(self.0.remove(before)),
            None => self.0.push_back(event),
        }
    }
}

/// Whether it may be otherwise the next time.
fn passes(error: &ServiceError) -> bool {
    match error {
        ServiceError::Store(error) => matches!(error, StoreError::Unavailable { .. } | StoreError::Conflict),
        ServiceError::Refused(refusal) => refusal.code() == ErrorCode::Conflict,
        _ => true,
    }
}

fn report(event: &MediaEvent) -> Option<MediaReport> {
    let attendee = AttendeeId::new(&*event.attendee.id).ok()?;
    let content = event.attendee.content;
    Some(match event.what {
        Happened::Authorized => MediaReport::Authorized { attendee, content },
        Happened::Joined => MediaReport::Joined { attendee, content },
        Happened::Left => MediaReport::Left { attendee, content },
        Happened::Dropped => MediaReport::Dropped { attendee, content },
        Happened::VideoStarted => MediaReport::VideoStarted { attendee, content },
        Happened::VideoStopped => MediaReport::VideoStopped { attendee, content },
    })
}

#[cfg(test)]
mod tests {
    use chime_media::ids::{Attendee, Capabilities};

    use super::*;

    fn event(id: &str, content: bool, what: Happened) -> MediaEvent {
        let attendee = Attendee {
            id: id.into(),
            external_user_id: "user".into(),
            content,
            capabilities: Capabilities::default(),
            replica: None,
        };
        MediaEvent { attendee, what }
    }

    #[test]
    fn a_camera_that_flickers_while_nobody_listens_is_told_once() {
        use Happened::{Joined, Left, VideoStarted, VideoStopped};
        let mut waiting = Waiting::default();
        waiting.push(event("ann", false, Joined));
        waiting.push(event("bob", false, Joined));
        for _ in 0..1000 {
            waiting.push(event("ann", false, VideoStarted));
            waiting.push(event("bob", false, VideoStarted));
            waiting.push(event("ann", true, VideoStarted));
            waiting.push(event("bob", false, VideoStopped));
            waiting.push(event("ann", false, VideoStopped));
            waiting.push(event("ann", true, VideoStopped));
        }
        waiting.push(event("ann", false, VideoStarted));
        waiting.push(event("ann", true, VideoStarted));
        waiting.push(event("ann", true, VideoStopped));
        waiting.push(event("bob", false, Left));
        waiting.push(event("ann", false, VideoStopped));
        waiting.push(event("ann", false, VideoStarted));
        let told: Vec<(&str, Happened)> =
            waiting.0.iter().map(|event| (&*event.attendee.id, event.what)).collect();
        assert_eq!(told, [("ann", Joined), ("bob", Joined), ("bob", Left), ("ann", VideoStarted)]);
    }
}
