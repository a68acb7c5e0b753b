//! Turns what is said in meetings into text.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::error::Cause;
use crate::ids::MeetingId;

/// Whose model transcribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptionEngine {
    /// For speech in general.
    Transcribe,
    /// For medical speech.
    TranscribeMedical,
}

/// `TranscriptionConfiguration`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcription {
    /// Whose model transcribes.
    pub engine: TranscriptionEngine,
    /// The settings of that engine, as they were given; who transcribes knows them.
    pub settings: Map<String, Value>,
}

/// A meeting is not transcribed, or goes on being.
#[derive(Debug, thiserror::Error)]
pub enum TranscribeError {
    /// There is nobody to do it.
    #[error("there is no transcriber")]
    Absent,
    /// It does not, or has not begun to.
    #[error("the transcriber refuses: {0}")]
    Refused(String),
    /// It may work later.
    #[error("the transcriber cannot be reached")]
    Unreachable(#[source] Cause),
}

/// Transcribes meetings.
#[async_trait]
pub trait Transcriber: Send + Sync + std::fmt::Debug {
    /// Begins, or goes on with another configuration.
    ///
    /// # Errors
    ///
    /// [`TranscribeError`].
    async fn start(
        &self,
        meeting: &MeetingId,
        node: &str,
        transcription: &Transcription,
    ) -> Result<(), TranscribeError>;

    /// Ends.
    ///
    /// # Errors
    ///
    /// [`TranscribeError::Refused`] when the meeting is not transcribed.
    async fn stop(&self, meeting: &MeetingId, node: &str) -> Result<(), TranscribeError>;
}

/// Nobody transcribes.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTranscriber;

#[async_trait]
impl Transcriber for NoTranscriber {
    async fn start(&self, _: &MeetingId, _: &str, _: &Transcription) -> Result<(), TranscribeError> {
        Err(TranscribeError::Absent)
    }

    async fn stop(&self, _: &MeetingId, _: &str) -> Result<(), TranscribeError> {
        Err(TranscribeError::Absent)
    }
}
