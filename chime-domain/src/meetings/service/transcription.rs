//! Transcription, by whoever transcribes.

use super::Meetings;
use crate::error::{ErrorCode, Refusal, ServiceError};
use crate::ids::MeetingId;
use crate::ports::{TranscribeError, Transcription};

/// Well formed and impossible: another answer would blame the caller, or have it tried again.
fn impossible(message: impl Into<String>) -> ServiceError {
    Refusal::new(ErrorCode::UnprocessableEntity, "R-02", message.into()).into()
}

fn answer(outcome: Result<(), TranscribeError>) -> Result<(), ServiceError> {
    outcome.map_err(|error| match error {
        TranscribeError::Absent => impossible("This service has no transcriber."),
        TranscribeError::Refused(why) => impossible(why),
        TranscribeError::Unreachable(source) => ServiceError::Unavailable { what: "the transcriber", source },
    })
}

impl Meetings<'_> {
    /// `StartMeetingTranscription`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; UnprocessableEntity without a transcriber, or when it refuses.
    pub async fn start_meeting_transcription(
        &self,
        id: &MeetingId,
        transcription: &Transcription,
    ) -> Result<(), ServiceError> {
        let (_, meeting) = self.living(id).await?;
        answer(self.chime.transcriber().start(id, &meeting.node, transcription).await)
    }

    /// `StopMeetingTranscription`.
    ///
    /// # Errors
    ///
    /// NotFound without the meeting; UnprocessableEntity without a transcriber, or when the meeting is not transcribed.
    pub async fn stop_meeting_transcription(&self, id: &MeetingId) -> Result<(), ServiceError> {
        let (_, meeting) = self.living(id).await?;
        answer(self.chime.transcriber().stop(id, &meeting.node).await)
    }
}
