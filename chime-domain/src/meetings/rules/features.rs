//! What a meeting offers, and what its attendees may do with it.

use crate::error::Refusal;
use crate::limits::{ATTENDEE_MAX_COUNT, ATTENDEE_MAX_COUNT_HIGH_RESOLUTION};
use crate::meetings::types::{ContentResolution, MeetingFeatures, VideoResolution};
use crate::ports::{Capabilities, MediaCapability};

/// Checks what a meeting is to offer.
pub(in crate::meetings) fn features(features: &MeetingFeatures) -> Result<(), Refusal> {
    let bad = |message: String| Err(Refusal::bad_request("D-11", message));
    let high =
        features.video == Some(VideoResolution::Fhd) || features.content == Some(ContentResolution::Uhd);
    match features.max_attendees {
        Some(count) if !ATTENDEE_MAX_COUNT.contains(&count) => {
            bad(format!("MeetingFeatures.Attendee.MaxCount is {count}, outside 1 to 250."))
        }
        Some(count) if high && count > ATTENDEE_MAX_COUNT_HIGH_RESOLUTION => bad(format!(
            "MeetingFeatures.Attendee.MaxCount is {count}, more than 25 with FHD video or UHD content."
        )),
        None if high => {
            bad("FHD video and UHD content need a MeetingFeatures.Attendee.MaxCount of at most 25.".into())
        }
        _ => Ok(()),
    }
}

/// What an attendee may do for whom nothing else was asked.
pub(in crate::meetings) fn default_capabilities(features: &MeetingFeatures) -> Capabilities {
    use MediaCapability::{None as Nothing, Receive, SendReceive};
    let (no_video, no_content) = without(features);
    let content = if no_content { Nothing } else { SendReceive };
    let video = match (no_video, no_content) {
        (false, _) => SendReceive,
        // Content that is received needs video that is.
        (true, false) => Receive,
        (true, true) => Nothing,
    };
    Capabilities { audio: SendReceive, video, content }
}

/// Checks what an attendee is to be able to do.
pub(in crate::meetings) fn capabilities(
    features: &MeetingFeatures,
    wanted: &Capabilities,
) -> Result<(), Refusal> {
    let bad = |message: &'static str| Err(Refusal::bad_request("D-11", message));
    let (no_video, no_content) = without(features);
    if no_video && wanted.video != MediaCapability::None {
        return bad("Capabilities.Video must be None in a meeting without video.");
    }
    if no_content && wanted.content != MediaCapability::None {
        return bad("Capabilities.Content must be None in a meeting without content.");
    }
    if wanted.content.receives() && !wanted.video.receives() {
        return bad("Capabilities.Content cannot receive unless Capabilities.Video does.");
    }
    Ok(())
}

fn without(features: &MeetingFeatures) -> (bool, bool) {
    (features.video == Some(VideoResolution::None), features.content == Some(ContentResolution::None))
}
