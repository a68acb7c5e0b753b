//! What a handler answers.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::error::ApiError;

/// The success of an operation. Its status is that of the operation's row, unless the handler names another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Reply {
    pub(crate) status: Option<StatusCode>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// A JSON body. Members without a value are left out: use `skip_serializing_if` (wire rule R-04).
    ///
    /// # Errors
    ///
    /// [`ApiError::Failure`] when the value cannot be written as JSON, which is a defect.
    pub fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(value).map_err(|_| ApiError::Failure)?;
        Ok(Self { status: None, body: body.into() })
    }

    /// No body: what 204 wants, and harmless with 200 (wire rule R-02).
    pub const fn empty() -> Self {
        Self { status: None, body: Bytes::new() }
    }

    /// With another status than that of the operation's row.
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }
}
