//! What happens in a meeting, told to the rules in order.

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
    while let Some(event) = events.recv().await {
        let Some(report) = report(&event) else { continue };
        let replica = event.attendee.replica.as_ref().and_then(|replica| MeetingId::new(&**replica).ok());
        let meeting = replica.as_ref().unwrap_or(&meeting);
        while let Err(error) = chime.meetings().report(meeting, &node, report.clone()).await {
            if !passes(&error) {
                tracing::warn!(%error, "an event of a meeting is lost");
                break;
            }
            tokio::time::sleep(REST).await;
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
