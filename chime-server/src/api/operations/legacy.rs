//! What only the single `chime` namespace of 2020 has.

use super::Operation;
use super::row::Resource::{Any, Meeting};
use super::row::services::L;
use super::row::{delete, get, post};

pub(super) const ROWS: &[Operation] = &[
    get("/media-capture-pipelines", "ListMediaCapturePipelines", 200, L, Any),
    post("/media-capture-pipelines", "CreateMediaCapturePipeline", 201, L, Any),
    get("/media-capture-pipelines/{mediaPipelineId}", "GetMediaCapturePipeline", 200, L, Any),
    delete("/media-capture-pipelines/{mediaPipelineId}", "DeleteMediaCapturePipeline", 204, L, Any),
    get("/meetings", "ListMeetings", 200, L, Any),
    get("/meetings/{meetingId}/attendees/{attendeeId}/tags", "ListAttendeeTags", 200, L, Meeting),
    post("/meetings/{meetingId}/attendees/{attendeeId}/tags?operation=add", "TagAttendee", 204, L, Meeting),
    post(
        "/meetings/{meetingId}/attendees/{attendeeId}/tags?operation=delete",
        "UntagAttendee",
        204,
        L,
        Meeting,
    ),
    get("/meetings/{meetingId}/tags", "ListMeetingTags", 200, L, Meeting),
    post("/meetings/{meetingId}/tags?operation=add", "TagMeeting", 204, L, Meeting),
    post("/meetings/{meetingId}/tags?operation=delete", "UntagMeeting", 204, L, Meeting),
];
