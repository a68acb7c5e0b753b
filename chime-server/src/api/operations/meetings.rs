//! Meetings and attendees.

use super::Operation;
use super::row::Resource::{Any, Meeting};
use super::row::services::{T, TL};
use super::row::{delete, get, post, put};

pub(super) const ROWS: &[Operation] = &[
    post("/meetings", "CreateMeeting", 200, TL, Any).legacy_code(201),
    post("/meetings?operation=create-attendees", "CreateMeetingWithAttendees", 200, TL, Any).legacy_code(201),
    get("/meetings/{meetingId}", "GetMeeting", 200, TL, Meeting),
    delete("/meetings/{meetingId}", "DeleteMeeting", 204, TL, Meeting),
    get("/meetings/{meetingId}/attendees", "ListAttendees", 200, TL, Meeting),
    post("/meetings/{meetingId}/attendees", "CreateAttendee", 200, TL, Meeting).legacy_code(201),
    post("/meetings/{meetingId}/attendees?operation=batch-create", "BatchCreateAttendee", 200, TL, Meeting)
        .legacy_code(201),
    put(
        "/meetings/{meetingId}/attendees/capabilities?operation=batch-update-except",
        "BatchUpdateAttendeeCapabilitiesExcept",
        200,
        T,
        Meeting,
    ),
    get("/meetings/{meetingId}/attendees/{attendeeId}", "GetAttendee", 200, TL, Meeting),
    delete("/meetings/{meetingId}/attendees/{attendeeId}", "DeleteAttendee", 204, TL, Meeting),
    put(
        "/meetings/{meetingId}/attendees/{attendeeId}/capabilities",
        "UpdateAttendeeCapabilities",
        200,
        T,
        Meeting,
    ),
    post(
        "/meetings/{meetingId}/transcription?operation=start",
        "StartMeetingTranscription",
        200,
        TL,
        Meeting,
    ),
    post("/meetings/{meetingId}/transcription?operation=stop", "StopMeetingTranscription", 200, TL, Meeting),
];
