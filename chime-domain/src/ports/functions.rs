//! Functions that others run: processors of channel flows, and whatever else is called by a function ARN.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Cause;
use crate::text::Private;

/// A function could not be called.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// Nothing answers to this ARN, or it refuses the call; another try would meet the same.
    #[error("the function is not available: {0}")]
    Refused(String),
    /// It may work later.
    #[error("the function cannot be reached")]
    Unreachable(#[source] Cause),
}

/// Whether the caller waits for the function's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationType {
    /// It does not: the call is over once the function was handed the event (`Event` in Lambda's API).
    Event,
    /// It does (`RequestResponse` in Lambda's API).
    RequestResponse,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// ARN of the function.
    pub function: Arc<str>,
    /// Whether the result is waited for.
    pub kind: InvocationType,
    /// The event: a JSON text.
    pub payload: Private<Vec<u8>>,
}

/// Calls functions.
#[async_trait]
pub trait Functions: Send + Sync + std::fmt::Debug {
    /// Calls one, trying again as the adapter sees fit, within seconds. Gives the function's result, empty for
    /// [`InvocationType::Event`].
    ///
    /// # Errors
    ///
    /// [`InvokeError`].
    async fn invoke(&self, invocation: Invocation) -> Result<Private<Vec<u8>>, InvokeError>;
}

/// No functions at all: every call is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFunctions;

#[async_trait]
impl Functions for NoFunctions {
    async fn invoke(&self, _: Invocation) -> Result<Private<Vec<u8>>, InvokeError> {
        Err(InvokeError::Refused("no functions are configured".into()))
    }
}
