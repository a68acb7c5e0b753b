//! Errors of the query protocol: the only place that knows their codes and statuses.

use std::borrow::Cow;

use chime_domain::error::{ServiceError, StoreError};
use chime_domain::iam::{IamCode, IamError, IamRefusal};

use crate::api::ApiError;
use crate::auth::sigv4::SigError;

/// Anything that is answered instead of a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    /// A refusal with its code and status.
    #[error("{code}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The code that clients look at.
        code: &'static str,
        /// What was wrong.
        message: Cow<'static, str>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl QueryError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused { status, code, message: message.into() }
    }

    pub(crate) fn validation(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub(crate) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "MalformedInput", message)
    }

    pub(crate) fn denied(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    pub(crate) fn invalid_action(action: &str) -> Self {
        Self::new(400, "InvalidAction", format!("Could not find operation {action} for this version."))
    }

    /// Status, code and message for the client, who is told nothing of the insides of a store.
    pub(crate) fn on_the_wire(&self) -> (u16, &'static str, &str) {
        match self {
            Self::Refused { status, code, message } => (*status, code, message),
            Self::Store(StoreError::Conflict) => (
                409,
                "ConcurrentModification",
                "Other requests changed the same object. Send the request again.",
            ),
            Self::Store(StoreError::Unavailable { .. }) => {
                (503, "ServiceUnavailable", "The service cannot serve the request now. Try again.")
            }
            Self::Store(_) => (
                500,
                "ServiceFailure",
                "The service failed unexpectedly. The request id leads to the reason in its log.",
            ),
        }
    }
}

impl From<IamError> for QueryError {
    fn from(error: IamError) -> Self {
        match error {
            IamError::Refused(refusal) => refusal.into(),
            IamError::Store(error) => error.into(),
        }
    }
}

impl From<IamRefusal> for QueryError {
    fn from(refusal: IamRefusal) -> Self {
        let (status, code) = code(refusal.code());
        Self::new(status, code, refusal.message().to_owned())
    }
}

fn code(code: IamCode) -> (u16, &'static str) {
    match code {
        IamCode::NoSuchEntity => (404, "NoSuchEntity"),
        IamCode::EntityAlreadyExists => (409, "EntityAlreadyExists"),
        IamCode::DeleteConflict => (409, "DeleteConflict"),
        IamCode::LimitExceeded => (409, "LimitExceeded"),
        IamCode::MalformedPolicyDocument => (400, "MalformedPolicyDocument"),
        IamCode::InvalidInput => (400, "InvalidInput"),
        IamCode::UnmodifiableEntity => (400, "UnmodifiableEntity"),
        IamCode::PolicyNotAttachable => (400, "PolicyNotAttachable"),
        IamCode::ConcurrentModification => (409, "ConcurrentModification"),
        IamCode::AccessDenied => (403, "AccessDenied"),
        IamCode::PackedPolicyTooLarge => (400, "PackedPolicyTooLarge"),
        IamCode::InvalidIdentityToken => (400, "InvalidIdentityToken"),
        IamCode::ExpiredIdentityToken => (400, "ExpiredTokenException"),
        IamCode::RejectedClaim => (403, "IDPRejectedClaim"),
        _ => (400, "ValidationError"),
    }
}

impl From<ApiError> for QueryError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Service(ServiceError::Store(error)) => error.into(),
            ApiError::Signature(error) => error.into(),
            ApiError::TooLarge { limit } => {
                Self::new(413, "RequestEntityTooLarge", format!("The body is larger than {limit} bytes."))
            }
            ApiError::TooSlow => Self::new(408, "RequestTimeout", "The body did not arrive in time."),
            ApiError::Throttled => Self::new(400, "Throttling", "Rate exceeded"),
            ApiError::Unavailable(message) => Self::new(503, "ServiceUnavailable", message),
            other => Self::new(500, "ServiceFailure", other.to_string()),
        }
    }
}

impl From<SigError> for QueryError {
    /// The same refusals as elsewhere under the names of this protocol (wire rule A-13).
    fn from(error: SigError) -> Self {
        let code = match error.name() {
            "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
            "UnrecognizedClientException" => "InvalidClientTokenId",
            "ExpiredTokenException" => "ExpiredToken",
            "IncompleteSignatureException" => "IncompleteSignature",
            _ => "SignatureDoesNotMatch",
        };
        Self::new(403, code, error.message())
    }
}
