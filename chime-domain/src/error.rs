//! The three layers of failure: a rule refused, a store failed, and either of them seen by a caller.

use std::borrow::Cow;
use std::fmt;

/// The documented exceptions, by what they mean (wire.md section 4). The server alone knows statuses and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// Input breaks a stated bound, pattern or enumeration, or is malformed.
    BadRequest,
    /// A quota is reached.
    ResourceLimitExceeded,
    /// The caller is known but its bearer is bad or missing.
    UnauthorizedClient,
    /// A role denies it for good, or the object is not visible to the caller.
    Forbidden,
    /// The named object does not exist, in the operations that say so.
    NotFound,
    /// The state of the object does not permit it, or a token was reused for something else.
    Conflict,
    /// Well formed but impossible.
    UnprocessableEntity,
    /// What is to be tagged does not exist, in the words of meetings.
    ResourceNotFound,
    /// A resource has too many tags, in the words of meetings.
    TooManyTags,
}

/// A rule said no.
///
/// It names the rule by its id in the acceptance checklist and says what would make the request pass.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    code: ErrorCode,
    rule: &'static str,
    message: Cow<'static, str>,
    remedy: Cow<'static, str>,
    documented: bool,
}

impl Refusal {
    /// A refusal by `rule`, for the reason in `message`.
    #[must_use]
    pub fn new(code: ErrorCode, rule: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, rule, message: message.into(), remedy: Cow::Borrowed(""), documented: false }
    }

    /// A refusal whose message is documented word for word, so that neither rule nor remedy is added to its text.
    #[must_use]
    pub const fn documented(code: ErrorCode, rule: &'static str, message: &'static str) -> Self {
        Self { code, rule, message: Cow::Borrowed(message), remedy: Cow::Borrowed(""), documented: true }
    }

    /// A [`ErrorCode::BadRequest`].
    #[must_use]
    pub fn bad_request(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BadRequest, rule, message)
    }

    /// A [`ErrorCode::Forbidden`].
    #[must_use]
    pub fn forbidden(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Forbidden, rule, message)
    }

    /// A [`ErrorCode::NotFound`].
    #[must_use]
    pub fn not_found(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, rule, message)
    }

    /// A [`ErrorCode::Conflict`].
    #[must_use]
    pub fn conflict(rule: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::Conflict, rule, message)
    }

    /// Says what would make the request pass.
    #[must_use]
    pub fn unless(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// What kind of refusal it is.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The id of the rule that refused.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// What was wrong, without the rule and the remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.documented {
            return f.write_str(&self.message);
        }
        write!(f, "{} [{}]", self.message, self.rule)?;
        if !self.remedy.is_empty() {
            write!(f, " To pass: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({:?}, {self})", self.code)
    }
}

/// Why a driver failed, kept for the log of the place that handles it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A store could not do what it was asked; the same for every adapter.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A guard of the batch no longer holds, or an entry id is taken: load and decide again.
    #[error("the state moved since it was read")]
    Conflict,
    /// A counter of the batch would pass its limit.
    #[error("the counter `{counter}` is at its limit of {limit}")]
    LimitReached {
        /// Key of the counter.
        counter: String,
        /// Its limit.
        limit: u64,
    },
    /// The store cannot serve now (down, busy, full); nothing was changed.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What is missing, for an operator.
        reason: Cow<'static, str>,
        /// The driver's own error.
        #[source]
        source: Option<Cause>,
    },
    /// What is stored cannot be read.
    #[error("stored data is corrupt: {what}")]
    Corrupt {
        /// Which data.
        what: String,
        /// The decoder's own error.
        #[source]
        source: Option<Cause>,
    },
}

impl StoreError {
    /// [`StoreError::Unavailable`] with the driver's error.
    pub fn unavailable(reason: impl Into<Cow<'static, str>>, source: impl Into<Cause>) -> Self {
        Self::Unavailable { reason: reason.into(), source: Some(source.into()) }
    }

    /// [`StoreError::Corrupt`] with the decoder's error.
    pub fn corrupt(what: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::Corrupt { what: what.into(), source: Some(source.into()) }
    }
}

/// What a service answers instead of a reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else that the service needs cannot serve now; nothing was changed.
    #[error("{what} is unavailable")]
    Unavailable {
        /// What cannot.
        what: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
}

impl ServiceError {
    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
