//! Meetings and their attendees, when they end by themselves, who may join them, and what is told of them.
//!
//! Operations: `CreateMeeting`, `CreateMeetingWithAttendees`, `GetMeeting`, `ListMeetings`, `DeleteMeeting`,
//! `CreateAttendee`, `BatchCreateAttendee`, `GetAttendee`, `ListAttendees`, `DeleteAttendee`,
//! `UpdateAttendeeCapabilities`, `BatchUpdateAttendeeCapabilitiesExcept`, `StartMeetingTranscription`,
//! `StopMeetingTranscription`, and the tags of both (rules MTG-01 to MTG-26,
//! END-01 to END-08, QTA-01 to QTA-11, EVT-01 to EVT-09). Media themselves are behind `ports::MediaPlane`, which asks
//! [`Meetings::admit`] who may join, and tells [`Meetings::report`] who is there.
//!
//! # Our choices
//!
//! - A meeting that ended, by whichever rule, answers NotFound from then on (rule END-07). Its client request token is
//!   free again (wire rule T-07). While it lives, the token gives it again whatever the other parameters say (T-03).
//! - The same `ExternalUserId` in one meeting is the same attendee, with the token and the capabilities it has (T-05).
//! - Join tokens are not stored. They are the attendee's id and a code over meeting and attendee under the store's
//!   secret, in digits and letters alone, which suits WebSocket subprotocols and the pattern of the 2020 models (D-13).
//!   So whoever shows a good token of a deleted attendee is told that, and everybody else that the token is wrong.
//! - The timers of [`AUTO_END`] run from the creation on, and stop when their condition does (END-06). "More than" is
//!   meant: at the limit itself the meeting lives. Connections with audio count, shared content is none of them. A
//!   share that is looked at keeps nothing alive by itself (END-03): who looks and is alone is one audio connection.
//! - A node that starts, or is known to have died, has no connections: [`Meetings::reset`].
//! - What the media services are told after a commit may be lost with whoever tells it; they compare what they have with
//!   the store now and then: [`Meetings::review`].
//! - `MeetingFeatures` with `FHD` or `UHD` need a `MaxCount` of at most 25; that count and the quota both bound the
//!   attendees.
//! - A primary meeting has to be there when its replica is made, and may not be a replica itself. The end of one does
//!   not end the other. A primary meeting has as many replicas at a time as its quota says, whatever it had before. A
//!   replica lives where its primary meeting does, whatever region it asks for, so that no medium
//!   has to travel between nodes.
//! - Deleting an attendee who is connected tells that it was deleted and that it left. The end of a meeting is told
//!   once, and not for each attendee.
//! - Events are tasks in the store, committed with what they tell of: at least once, in no certain order (EVT-04), tried
//!   again for a quarter of an hour, each target by itself (EVT-07). When nobody listens, nothing is kept.
//! - Content shares have the attendee's id in events, since their types say what they are. With the documents of 2020, the
//!   video of a share is told as a screen share too; later documents have dropped those two events.

mod admission;
mod events;
pub(crate) mod keys;
mod report;
mod review;
mod rules;
mod service;
#[cfg(test)]
mod tests;
mod token;
mod types;

pub use admission::{Admission, AdmitError, MeetingFacts, MeetingLimits};
pub(crate) use events::run as tell;
pub use events::{MeetingEvent, MeetingEventType};
pub use report::{MediaReport, Presence};
pub use review::{Correction, Residents};
pub use rules::auto_end::{AUTO_END, AutoEnd};
pub use rules::notification_arns;
pub use service::Meetings;
pub(crate) use service::{purge, run_timers};
pub use types::{
    Attendee, ContentResolution, CreateAttendee, CreateMeeting, FeatureStatus, Meeting, MeetingFeatures,
    NetworkType, NotificationsConfiguration, VideoResolution,
};
