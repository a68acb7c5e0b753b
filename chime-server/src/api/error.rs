//! Errors on the wire: the only place that knows statuses and exception names (wire.md section 4).

use std::borrow::Cow;

use chime_domain::error::{ErrorCode, Refusal, ServiceError, StoreError};
use http::StatusCode;

use super::namespace::Namespace;
use crate::auth::sigv4::SigError;

/// Seconds after which a client may try again, sent with 429 and 503.
const RETRY_AFTER: u64 = 1;

/// Anything that is answered instead of a reply.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A rule said no, or the store failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The policies of the caller do not allow it; the message is that of wire rule E-08.
    #[error("{0}")]
    AccessDenied(String),
    /// The signature is refused.
    #[error(transparent)]
    Signature(#[from] SigError),
    /// No such route, or an operation that is not built (wire rule R-07).
    #[error("{0}")]
    UnknownOperation(Cow<'static, str>),
    /// The resource exists, but not for this method.
    #[error("the method is not allowed here")]
    MethodNotAllowed,
    /// The body is larger than permitted.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// How large it may be.
        limit: usize,
    },
    /// The body did not arrive in time, or the client went away.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// More requests than permitted.
    #[error("rate exceeded")]
    Throttled,
    /// The server is shutting down or overloaded.
    #[error("{0}")]
    Unavailable(Cow<'static, str>),
    /// A defect of the server.
    #[error("internal failure")]
    Failure,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Service(refusal.into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// An error as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireError {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Name of the exception, for the header.
    pub(crate) name: &'static str,
    /// The short code of the body (wire rule E-04).
    pub(crate) code: &'static str,
    /// What was wrong.
    pub(crate) message: String,
}

impl ApiError {
    /// A 400 that no rule of the domain gave.
    #[must_use]
    pub fn bad_request(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Refusal::bad_request(rule, message).into()
    }

    /// The error in the words of a namespace.
    pub(crate) fn on_the_wire(&self, namespace: Option<Namespace>) -> WireError {
        let name = self.name(namespace);
        WireError { status: self.status(), name, code: short_code(name), message: self.message() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Service(ServiceError::Refused(refusal)) => match refusal.code() {
                ErrorCode::UnauthorizedClient => StatusCode::UNAUTHORIZED,
                ErrorCode::Forbidden => StatusCode::FORBIDDEN,
                ErrorCode::NotFound | ErrorCode::ResourceNotFound => StatusCode::NOT_FOUND,
                ErrorCode::Conflict => StatusCode::CONFLICT,
                ErrorCode::UnprocessableEntity => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::BAD_REQUEST,
            },
            Self::Service(ServiceError::Store(StoreError::Conflict)) => StatusCode::CONFLICT,
            Self::Service(ServiceError::Store(StoreError::LimitReached { .. })) => StatusCode::BAD_REQUEST,
            Self::Service(ServiceError::Store(StoreError::Unavailable { .. })) | Self::Unavailable(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Service(ServiceError::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Service(_) | Self::Failure => StatusCode::INTERNAL_SERVER_ERROR,
            Self::AccessDenied(_) | Self::Signature(_) => StatusCode::FORBIDDEN,
            Self::UnknownOperation(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Throttled => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    fn name(&self, namespace: Option<Namespace>) -> &'static str {
        let in_meetings = namespace == Some(Namespace::Meetings);
        let by_code = |code| match code {
            ErrorCode::ResourceLimitExceeded if in_meetings => "LimitExceededException",
            ErrorCode::ResourceLimitExceeded => "ResourceLimitExceededException",
            ErrorCode::UnauthorizedClient if in_meetings => "UnauthorizedException",
            ErrorCode::UnauthorizedClient => "UnauthorizedClientException",
            ErrorCode::Forbidden => "ForbiddenException",
            ErrorCode::ResourceNotFound if in_meetings => "ResourceNotFoundException",
            ErrorCode::TooManyTags if in_meetings => "TooManyTagsException",
            ErrorCode::TooManyTags => "ResourceLimitExceededException",
            ErrorCode::NotFound | ErrorCode::ResourceNotFound => "NotFoundException",
            ErrorCode::Conflict => "ConflictException",
            ErrorCode::UnprocessableEntity => "UnprocessableEntityException",
            _ => "BadRequestException",
        };
        match self {
            Self::Service(ServiceError::Refused(refusal)) => by_code(refusal.code()),
            Self::Service(ServiceError::Store(StoreError::Conflict)) => by_code(ErrorCode::Conflict),
            Self::Service(ServiceError::Store(StoreError::LimitReached { .. })) => {
                by_code(ErrorCode::ResourceLimitExceeded)
            }
            Self::Service(
                ServiceError::Store(StoreError::Unavailable { .. }) | ServiceError::Unavailable { .. },
            )
            | Self::Unavailable(_) => "ServiceUnavailableException",
            Self::Service(_) | Self::Failure => "ServiceFailureException",
            Self::AccessDenied(_) => "AccessDeniedException",
            Self::Signature(error) => error.name(),
            Self::UnknownOperation(_) => "UnknownOperationException",
            Self::MethodNotAllowed => "MethodNotAllowedException",
            Self::TooLarge { .. } => "RequestEntityTooLargeException",
            Self::TooSlow => "RequestTimeoutException",
            Self::Throttled if in_meetings => "ThrottlingException",
            Self::Throttled => "ThrottledClientException",
        }
    }

    /// What is told to the client: nothing of the insides of a store.
    fn message(&self) -> String {
        match self {
            Self::Service(
                ServiceError::Store(StoreError::Unavailable { .. }) | ServiceError::Unavailable { .. },
            ) => "The service cannot serve the request now. Try again.".into(),
            Self::Service(ServiceError::Store(StoreError::Corrupt { .. })) | Self::Failure => {
                "The service failed unexpectedly. The request id leads to the reason in its log.".into()
            }
            Self::Signature(error) => error.message(),
            Self::Service(_) | Self::AccessDenied(_) | Self::UnknownOperation(_) | Self::Unavailable(_) => {
                self.to_string()
            }
            Self::MethodNotAllowed | Self::TooLarge { .. } | Self::TooSlow | Self::Throttled => {
                sentence(&self.to_string())
            }
        }
    }
}

impl WireError {
    /// Seconds until another try makes sense, for those answers that invite one.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        let invites = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status);
        invites.then_some(RETRY_AFTER)
    }

    /// The body. Meetings and media pipelines carry the request id in it too (wire rule R-03), and so does what may be
    /// theirs; errors about tags name the `tagged` resource there (E-05).
    pub(crate) fn body(
        &self,
        namespace: Option<Namespace>,
        request_id: &str,
        tagged: Option<&str>,
    ) -> Vec<u8> {
        let mut body = serde_json::json!({ "Code": self.code, "Message": self.message });
        let has_more = matches!(namespace, None | Some(Namespace::Meetings | Namespace::Pipelines));
        if let Some(members) = body.as_object_mut().filter(|_| has_more) {
            members.insert("RequestId".into(), request_id.into());
            if let Some(seconds) = self.retry_after() {
                members.insert("RetryAfterSeconds".into(), seconds.to_string().into());
            }
            let is_about_tags = ["ResourceNotFoundException", "TooManyTagsException"].contains(&self.name);
            if let Some(arn) = tagged.filter(|_| is_about_tags) {
                members.insert("ResourceName".into(), arn.into());
            }
        }
        body.to_string().into_bytes()
    }
}

/// The code of an exception in bodies and batch results (wire rule E-04).
fn short_code(name: &'static str) -> &'static str {
    match name {
        "UnauthorizedClientException" => "Unauthorized",
        "ThrottledClientException" => "Throttled",
        "UnprocessableEntityException" => "Unprocessable",
        _ => name.strip_suffix("Exception").unwrap_or(name),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let mut sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    sentence.push_str(letters.as_str());
    sentence.push('.');
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(error: &ApiError, namespace: Namespace) -> (u16, &'static str, &'static str) {
        let wire = error.on_the_wire(Some(namespace));
        (wire.status.as_u16(), wire.name, wire.code)
    }

    #[test]
    fn every_code_has_its_documented_name_status_and_short_code() {
        let refusal = |code| ApiError::from(Refusal::new(code, "X", "no"));
        let rows = [
            (ErrorCode::BadRequest, (400, "BadRequestException", "BadRequest")),
            (
                ErrorCode::ResourceLimitExceeded,
                (400, "ResourceLimitExceededException", "ResourceLimitExceeded"),
            ),
            (ErrorCode::UnauthorizedClient, (401, "UnauthorizedClientException", "Unauthorized")),
            (ErrorCode::Forbidden, (403, "ForbiddenException", "Forbidden")),
            (ErrorCode::NotFound, (404, "NotFoundException", "NotFound")),
            (ErrorCode::Conflict, (409, "ConflictException", "Conflict")),
            (ErrorCode::UnprocessableEntity, (422, "UnprocessableEntityException", "Unprocessable")),
        ];
        for (code, expected) in rows {
            assert_eq!(wire(&refusal(code), Namespace::Messaging), expected);
        }
        let rows = [
            (ApiError::AccessDenied("no".into()), (403, "AccessDeniedException", "AccessDenied")),
            (ApiError::Throttled, (429, "ThrottledClientException", "Throttled")),
            (ApiError::UnknownOperation("no".into()), (404, "UnknownOperationException", "UnknownOperation")),
            (ApiError::Failure, (500, "ServiceFailureException", "ServiceFailure")),
            (
                SigError::MissingAuthentication.into(),
                (403, "MissingAuthenticationTokenException", "MissingAuthenticationToken"),
            ),
        ];
        for (error, expected) in rows {
            assert_eq!(wire(&error, Namespace::Messaging), expected);
        }
    }

    #[test]
    fn meetings_has_its_own_names() {
        let refusal = |code| ApiError::from(Refusal::new(code, "X", "no"));
        let rows = [
            (refusal(ErrorCode::ResourceLimitExceeded), (400, "LimitExceededException", "LimitExceeded")),
            (refusal(ErrorCode::UnauthorizedClient), (401, "UnauthorizedException", "Unauthorized")),
            (refusal(ErrorCode::ResourceNotFound), (404, "ResourceNotFoundException", "ResourceNotFound")),
            (refusal(ErrorCode::TooManyTags), (400, "TooManyTagsException", "TooManyTags")),
            (ApiError::Throttled, (429, "ThrottlingException", "Throttling")),
        ];
        for (error, expected) in rows {
            assert_eq!(wire(&error, Namespace::Meetings), expected);
        }
    }

    #[test]
    fn a_failing_store_is_unavailable_or_a_failure_and_keeps_its_insides() {
        let full = ApiError::from(StoreError::unavailable("disk full at /secret", "ENOSPC"));
        let answer = full.on_the_wire(None);
        assert_eq!((answer.status.as_u16(), answer.name), (503, "ServiceUnavailableException"));
        assert_eq!(answer.retry_after(), Some(1));
        assert!(!answer.message.contains("secret"));
        let corrupt = ApiError::from(StoreError::corrupt("channel secret", "bad")).on_the_wire(None);
        assert_eq!((corrupt.status.as_u16(), corrupt.name), (500, "ServiceFailureException"));
        assert!(!corrupt.message.contains("secret"));
        assert_eq!(corrupt.retry_after(), None);
    }

    #[test]
    fn the_body_has_code_and_message_and_in_meetings_the_request_id() {
        let read = |namespace| -> serde_json::Value {
            let answer = ApiError::Throttled.on_the_wire(Some(namespace));
            serde_json::from_slice(&answer.body(Some(namespace), "r1", Some("arn"))).unwrap()
        };
        assert_eq!(
            read(Namespace::Identity),
            serde_json::json!({"Code": "Throttled", "Message": "Rate exceeded."})
        );
        assert_eq!(
            read(Namespace::Meetings),
            serde_json::json!({
                "Code": "Throttling", "Message": "Rate exceeded.", "RequestId": "r1", "RetryAfterSeconds": "1"
            })
        );
    }
}
