//! What the context answers instead of a reply.

use std::borrow::Cow;

use crate::access::policy::PolicyError;
use crate::error::{ServiceError, StoreError};

/// The documented errors of IAM and STS, by what they mean. The server alone knows names and statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IamCode {
    /// The named user, role, policy or key does not exist.
    NoSuchEntity,
    /// The name is taken.
    EntityAlreadyExists,
    /// Something still hangs on what is to be deleted.
    DeleteConflict,
    /// A limit of the account or of the object is reached.
    LimitExceeded,
    /// A policy document cannot be read.
    MalformedPolicyDocument,
    /// A value is well formed but not possible.
    InvalidInput,
    /// A parameter breaks a stated bound or pattern.
    Validation,
    /// A service owns the object; only it may change it (rule IAM-30).
    UnmodifiableEntity,
    /// A policy of a service cannot be attached by hand.
    PolicyNotAttachable,
    /// Other requests kept changing the same object.
    ConcurrentModification,
    /// A policy, of the caller or of the role, does not allow it.
    AccessDenied,
    /// Session policies and tags are too long together.
    PackedPolicyTooLarge,
    /// A web identity token cannot be read or verified.
    InvalidIdentityToken,
    /// A web identity token is past its end.
    ExpiredIdentityToken,
    /// A web identity token is genuine and yet not accepted.
    RejectedClaim,
}

/// A rule said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IamRefusal {
    code: IamCode,
    message: Cow<'static, str>,
}

impl IamRefusal {
    /// A refusal with its reason.
    #[must_use]
    pub fn new(code: IamCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// What kind of refusal it is.
    #[must_use]
    pub fn code(&self) -> IamCode {
        self.code
    }

    /// What was wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// What the services of the context answer instead of a reply.
#[derive(Debug, thiserror::Error)]
pub enum IamError {
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] IamRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IamError {
    /// The code of the refusal, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<IamCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Store(_) => None,
        }
    }

    pub(super) fn new(code: IamCode, message: impl Into<Cow<'static, str>>) -> Self {
        IamRefusal::new(code, message).into()
    }
}

impl From<ServiceError> for IamError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Store(error) => Self::Store(error),
            ServiceError::Refused(refusal) => Self::new(IamCode::InvalidInput, refusal.to_string()),
            ServiceError::Unavailable { what, source } => {
                Self::Store(StoreError::Unavailable { reason: what.into(), source: Some(source) })
            }
        }
    }
}

impl From<PolicyError> for IamRefusal {
    fn from(error: PolicyError) -> Self {
        Self::new(IamCode::MalformedPolicyDocument, error.to_string())
    }
}

impl From<PolicyError> for IamError {
    fn from(error: PolicyError) -> Self {
        IamRefusal::from(error).into()
    }
}

pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> IamRefusal {
    IamRefusal::new(IamCode::Validation, message)
}
