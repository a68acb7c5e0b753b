//! Who may join.

use super::service::Meetings;
use super::types::{Attendee, Meeting, MeetingFeatures};
use super::{keys, token};
use crate::error::StoreError;
use crate::flow::{Loaded, load};
use crate::ids::{AttendeeId, MediaRegion, MeetingId};
use crate::limits::Quota;
use crate::ports::Capabilities;
use crate::text::{ExternalMeetingId, ExternalUserId};

/// The bounds of a meeting, as they are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeetingLimits {
    /// Attendees (rule QTA-02).
    pub attendees: u32,
    /// Audio streams (rule QTA-03).
    pub audio_streams: u32,
    /// Cameras that are shown at once (rule QTA-04).
    pub video_tiles: u32,
    /// Content shares at once (rule QTA-05).
    pub content_shares: u32,
}

/// What the media services know of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeetingFacts {
    /// Its id.
    pub id: MeetingId,
    /// What the application names it by.
    pub external_id: Option<ExternalMeetingId>,
    /// Where its media are.
    pub media_region: MediaRegion,
    /// The node on which it lives.
    pub node: String,
    /// What it offers.
    pub features: MeetingFeatures,
    /// The meeting whose media it gets.
    pub primary: Option<MeetingId>,
    /// Its bounds.
    pub limits: MeetingLimits,
}

/// Somebody may join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admission {
    /// Which meeting.
    pub meeting: MeetingFacts,
    /// The meeting whose media it gets, if it is a replica, while that takes place.
    pub primary: Option<MeetingFacts>,
    /// As which attendee.
    pub attendee: AttendeeId,
    /// What the application names the attendee by.
    pub external_user_id: ExternalUserId,
    /// What the attendee may do.
    pub capabilities: Capabilities,
    /// It is the attendee's content share, not the attendee itself.
    pub content: bool,
}

/// Nobody may join.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// There is no such meeting, or none any more.
    #[error("the meeting does not exist or has ended")]
    UnknownMeeting,
    /// The token is no token of this meeting.
    #[error("the token is not a token of the meeting")]
    WrongToken,
    /// The token is good, and its attendee was deleted.
    #[error("the attendee was deleted")]
    DeletedAttendee,
    /// It cannot be known now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Meetings<'_> {
    /// Who holds a join token, which may end in `#content`, and what they join (rule MTG-04). Nothing changes by it.
    ///
    /// # Errors
    ///
    /// [`AdmitError`].
    pub async fn admit(&self, meeting: &str, token: &str) -> Result<Admission, AdmitError> {
        let id = MeetingId::new(meeting).map_err(|_| AdmitError::UnknownMeeting)?;
        let holder = token::holder(self.chime, &id, token);
        let mut keys = vec![keys::meeting(&id)];
        keys.extend(holder.iter().map(|(attendee, _)| keys::attendee(&id, attendee)));
        let mut found = self.chime.store().get(&keys).await?.into_iter();
        let meeting = Loaded::<Meeting>::decode(keys::meeting(&id), found.next().flatten())?;
        let meeting = meeting.get().ok_or(AdmitError::UnknownMeeting)?;
        let (attendee, content) = holder.ok_or(AdmitError::WrongToken)?;
        let attendee = Loaded::<Attendee>::decode(keys::attendee(&id, &attendee), found.next().flatten())?;
        let attendee = attendee.get().ok_or(AdmitError::DeletedAttendee)?;
        let primary = match &meeting.primary {
            Some(primary) => {
                let primary = load::<Meeting>(self.chime.store(), keys::meeting(primary)).await?;
                primary.get().map(|primary| self.facts(primary))
            }
            None => None,
        };
        Ok(Admission {
            meeting: self.facts(meeting),
            primary,
            attendee: attendee.id.clone(),
            external_user_id: attendee.external_user_id.clone(),
            capabilities: attendee.capabilities,
            content,
        })
    }

    /// Whose join token of a meeting it is, now or before: what is known without asking the store, of a meeting that has
    /// ended too.
    #[must_use]
    pub fn token_holder(&self, meeting: &str, token: &str) -> Option<(MeetingId, AttendeeId)> {
        let id = MeetingId::new(meeting).ok()?;
        let (attendee, _) = token::holder(self.chime, &id, token)?;
        Some((id, attendee))
    }

    fn facts(&self, meeting: &Meeting) -> MeetingFacts {
        let limit = |quota| u32::try_from(self.chime.settings().limits.get(quota)).unwrap_or(u32::MAX);
        MeetingFacts {
            id: meeting.id.clone(),
            external_id: meeting.external_id.clone(),
            media_region: meeting.media_region.clone(),
            node: meeting.node.clone(),
            features: meeting.features.unwrap_or_default(),
            primary: meeting.primary.clone(),
            limits: MeetingLimits {
                attendees: u32::try_from(self.most_attendees(meeting)).unwrap_or(u32::MAX),
                audio_streams: limit(Quota::AudioStreamsPerMeeting),
                video_tiles: limit(Quota::VideoTilesPerMeeting),
                content_shares: limit(Quota::ContentSharesPerMeeting),
            },
        }
    }
}
