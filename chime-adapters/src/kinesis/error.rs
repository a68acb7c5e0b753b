//! What errors of Kinesis mean.

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use chime_domain::ports::{CheckError, SinkError};

/// Codes of what only an operator can mend.
const REFUSALS: [&str; 14] = [
    "AccessDeniedException",
    "AccessDenied",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidArgumentException",
    "InvalidSignatureException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "KMSOptInRequired",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "ValidationException",
];

/// Codes of what is only too much for now.
const THROTTLES: [&str; 6] = [
    "KMSThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
];

/// The meaning of a code, of a call or of a record.
pub(super) fn meaning(code: &str) -> SinkError {
    match code {
        "ResourceNotFoundException" => SinkError::Rejected("the stream does not exist".into()),
        _ if THROTTLES.contains(&code) => SinkError::Throttled,
        _ if REFUSALS.contains(&code) => SinkError::Rejected(code.to_owned()),
        _ => SinkError::Unavailable(code.to_owned().into()),
    }
}

/// The meaning of a call's error. Its text holds no data: codes, and what the driver says of the connection.
pub(super) fn of_call<E, R>(error: SdkError<E, R>) -> SinkError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some(code) => meaning(code),
        None => SinkError::Unavailable(in_full(&error).into()),
    }
}

pub(super) fn of_check(error: SinkError) -> CheckError {
    match error {
        SinkError::Rejected(why) if why == "the stream does not exist" => CheckError::Missing,
        SinkError::Rejected(why) => CheckError::Refused(why),
        SinkError::Throttled => CheckError::Unavailable("the check is throttled".into()),
        SinkError::Unavailable(cause) => CheckError::Unavailable(cause),
    }
}

/// An error with its sources, which the client's own text leaves out.
fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
