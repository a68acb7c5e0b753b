//! Meetings, attendees, their capabilities and tags.
//!
//! # Our choices
//!
//! - Members that only one generation of clients requires (`ExternalMeetingId`, `MediaRegion`, `Attendees`) are optional
//!   (wire rule D-09); a list of no attendees is refused. A creation without the first two, which today's clients would not send, is a legacy one (N-05).
//! - A meeting made through either namespace is the other's too (D-12).
//! - Whoever asks over plain HTTP on a loopback name gets `ws` and `http` URLs there instead of `wss` and `https` ones, if
//!   the meeting lives on this server: pages on localhost work without certificates.
//! - Without a transcriber the operations on transcription answer UnprocessableEntity, since the other modelled answers
//!   would be retried or blame the caller; settings that no client's model has are refused before that.
//! - The limit of `CreateMeetingWithAttendees` is 10 attendees for legacy callers and 20 for others, as their models say.
//! - `TagResource` knows meetings by the ARN that the server gives them, in that spelling alone, since policies are
//!   written on it. In the words of meetings a missing one is ResourceNotFound, in others NotFound.

mod attendee;
mod meeting;
mod shapes;
pub(super) mod tags;
mod transcribe;
mod transcription;

crate::handlers! {
    "CreateMeeting" => meeting::create_meeting,
    "CreateMeetingWithAttendees" => meeting::create_meeting_with_attendees,
    "GetMeeting" => meeting::get_meeting,
    "ListMeetings" => meeting::list_meetings,
    "DeleteMeeting" => meeting::delete_meeting,
    "CreateAttendee" => attendee::create_attendee,
    "BatchCreateAttendee" => attendee::batch_create_attendee,
    "GetAttendee" => attendee::get_attendee,
    "ListAttendees" => attendee::list_attendees,
    "DeleteAttendee" => attendee::delete_attendee,
    "UpdateAttendeeCapabilities" => attendee::update_attendee_capabilities,
    "BatchUpdateAttendeeCapabilitiesExcept" => attendee::batch_update_attendee_capabilities_except,
    "TagMeeting" => tags::tag_meeting,
    "UntagMeeting" => tags::untag_meeting,
    "ListMeetingTags" => tags::list_meeting_tags,
    "TagAttendee" => tags::tag_attendee,
    "UntagAttendee" => tags::untag_attendee,
    "ListAttendeeTags" => tags::list_attendee_tags,
    "StartMeetingTranscription" => transcription::start_meeting_transcription,
    "StopMeetingTranscription" => transcription::stop_meeting_transcription,
}
