//! Where the context keeps its records.

use sha2::{Digest, Sha256};

use crate::flow::{Claim, hex};
use crate::ids::{AttendeeId, ClientRequestToken, MeetingId};
use crate::ports::Key;
use crate::text::ExternalUserId;

pub(crate) fn meetings() -> Key {
    Key::new("meeting", &[])
}

pub(crate) fn meeting(id: &MeetingId) -> Key {
    Key::new("meeting", &[id.as_str()])
}

/// What a client request token made. Both creations share the space of tokens (wire rule T-03).
pub(crate) fn token(token: &ClientRequestToken) -> Key {
    token_of(Claim::key(&["CreateMeeting"], token).last())
}

pub(crate) fn token_of(digest: &str) -> Key {
    Key::new("meeting-token", &[digest])
}

pub(crate) fn presence(meeting: &MeetingId) -> Key {
    Key::new("meeting-presence", &[meeting.as_str()])
}

pub(crate) fn attendees(meeting: &MeetingId) -> Key {
    Key::new("attendee", &[meeting.as_str()])
}

pub(crate) fn attendee(meeting: &MeetingId, id: &AttendeeId) -> Key {
    Key::new("attendee", &[meeting.as_str(), id.as_str()])
}

/// Which attendee an external user is.
pub(crate) fn attendee_users(meeting: &MeetingId) -> Key {
    Key::new("attendee-user", &[meeting.as_str()])
}

pub(crate) fn attendee_user(meeting: &MeetingId, user: &ExternalUserId) -> Key {
    let digest = Sha256::digest(user.as_str());
    Key::new("attendee-user", &[meeting.as_str(), &hex(&digest)])
}

/// How many attendees a meeting has. Its key is no quota's, so that a batch that finds the meeting full is decided
/// again, item by item.
pub(crate) fn attendee_count(meeting: &MeetingId) -> Key {
    Key::new("attendee-count", &[meeting.as_str()])
}

pub(crate) fn event(id: &str) -> Key {
    Key::new("meeting-event", &[id])
}
