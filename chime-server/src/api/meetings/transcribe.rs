//! What the settings of a transcription may say: the members of the models, with their words and bounds (wire rule W-17).

use serde_json::{Map, Value};

use crate::api::ApiError;
use crate::api::wire::required;

/// The values that a member may have.
enum Values {
    Words(&'static [&'static str]),
    Flag,
    /// A text of so many characters at most, all of which fit.
    Text(usize, fn(char) -> bool),
    /// The same, and there must be one at least.
    List(usize, fn(char) -> bool),
}

use Values::{Flag, List, Text, Words};

const LANGUAGES: &[&str] = &[
    "en-US", "en-GB", "es-US", "fr-CA", "fr-FR", "en-AU", "it-IT", "de-DE", "pt-BR", "ja-JP", "ko-KR",
    "zh-CN", "th-TH", "hi-IN",
];
const REGIONS: &[&str] = &[
    "us-east-2",
    "us-east-1",
    "us-west-2",
    "ap-northeast-2",
    "ap-southeast-2",
    "ap-northeast-1",
    "ca-central-1",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "sa-east-1",
    "auto",
    "us-gov-west-1",
];
const MEDICAL_REGIONS: &[&str] =
    &["us-east-1", "us-east-2", "us-west-2", "ap-southeast-2", "ca-central-1", "eu-west-1", "auto"];
const SPECIALTIES: &[&str] = &["PRIMARYCARE", "CARDIOLOGY", "NEUROLOGY", "ONCOLOGY", "RADIOLOGY", "UROLOGY"];

fn any(_: char) -> bool {
    true
}

fn of_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || ",-._".contains(c)
}

fn of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._".contains(c)
}

fn of_languages(c: char) -> bool {
    c.is_ascii_alphabetic() || "-,".contains(c)
}

fn of_types(c: char) -> bool {
    c.is_ascii_uppercase() || "_, ".contains(c)
}

/// `EngineTranscribeSettings`.
const GENERAL: &[(&str, Values)] = &[
    ("LanguageCode", Words(LANGUAGES)),
    ("VocabularyFilterMethod", Words(&["remove", "mask", "tag"])),
    ("VocabularyFilterName", Text(4096, any)),
    ("VocabularyName", Text(4096, any)),
    ("Region", Words(REGIONS)),
    ("EnablePartialResultsStabilization", Flag),
    ("PartialResultsStability", Words(&["low", "medium", "high"])),
    ("ContentIdentificationType", Words(&["PII"])),
    ("ContentRedactionType", Words(&["PII"])),
    ("PiiEntityTypes", List(300, of_types)),
    ("LanguageModelName", List(200, of_name)),
    ("IdentifyLanguage", Flag),
    ("LanguageOptions", List(200, of_languages)),
    ("PreferredLanguage", Words(LANGUAGES)),
    ("VocabularyNames", List(3000, of_names)),
    ("VocabularyFilterNames", List(3000, of_names)),
];

/// `EngineTranscribeMedicalSettings`.
const MEDICAL: &[(&str, Values)] = &[
    ("LanguageCode", Words(&["en-US"])),
    ("Specialty", Words(SPECIALTIES)),
    ("Type", Words(&["CONVERSATION", "DICTATION"])),
    ("VocabularyName", Text(4096, any)),
    ("Region", Words(MEDICAL_REGIONS)),
    ("ContentIdentificationType", Words(&["PHI"])),
];

impl Values {
    fn take(&self, value: &Value) -> bool {
        let fits = |text: &str, most: usize, fits: fn(char) -> bool| {
            text.chars().count() <= most && text.chars().all(fits)
        };
        match (self, value) {
            (Words(words), Value::String(text)) => words.contains(&text.as_str()),
            (Flag, value) => value.is_boolean(),
            (Text(most, of), Value::String(text)) => fits(text, *most, *of),
            (List(most, of), Value::String(text)) => !text.is_empty() && fits(text, *most, *of),
            _ => false,
        }
    }
}

fn check(settings: &Map<String, Value>, members: &[(&str, Values)]) -> Result<(), ApiError> {
    let wrong = members.iter().find(|(name, values)| {
        settings.get(*name).is_some_and(|value| !value.is_null() && !values.take(value))
    });
    let refused = |(name, _): &(&str, Values)| {
        ApiError::bad_request("W-17", format!("{name} is none of the values that it may have."))
    };
    wrong.map_or(Ok(()), |member| Err(refused(member)))
}

/// Checks `EngineTranscribeSettings`.
pub(super) fn general(settings: &Map<String, Value>) -> Result<(), ApiError> {
    check(settings, GENERAL)
}

/// Checks `EngineTranscribeMedicalSettings`.
pub(super) fn medical(settings: &Map<String, Value>) -> Result<(), ApiError> {
    for member in ["LanguageCode", "Specialty", "Type"] {
        required(settings.get(member).filter(|value| !value.is_null()), member)?;
    }
    check(settings, MEDICAL)
}
