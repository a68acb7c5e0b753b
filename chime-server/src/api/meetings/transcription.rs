//! `StartMeetingTranscription`, `StopMeetingTranscription`.

use chime_domain::ports::{Transcription, TranscriptionEngine};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::transcribe;
use crate::api::wire::required;
use crate::api::{ApiError, ApiRequest, Reply};
use crate::app::App;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Start {
    transcription_configuration: Option<Configuration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    engine_transcribe_settings: Option<Map<String, Value>>,
    engine_transcribe_medical_settings: Option<Map<String, Value>>,
}

pub(super) async fn start_meeting_transcription(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    let wanted =
        required(request.json::<Start>()?.transcription_configuration, "TranscriptionConfiguration")?;
    let (engine, settings) =
        match (wanted.engine_transcribe_settings, wanted.engine_transcribe_medical_settings) {
            (Some(settings), None) => {
                transcribe::general(&settings)?;
                (TranscriptionEngine::Transcribe, settings)
            }
            (None, Some(settings)) => {
                transcribe::medical(&settings)?;
                (TranscriptionEngine::TranscribeMedical, settings)
            }
            _ => {
                let message = "TranscriptionConfiguration must have the settings of one engine.";
                return Err(ApiError::bad_request("W-17", message));
            }
        };
    let transcription = Transcription { engine, settings };
    app.chime().meetings().start_meeting_transcription(&request.meeting()?, &transcription).await?;
    Ok(Reply::empty())
}

pub(super) async fn stop_meeting_transcription(app: App, request: ApiRequest) -> Result<Reply, ApiError> {
    app.chime().meetings().stop_meeting_transcription(&request.meeting()?).await?;
    Ok(Reply::empty())
}
