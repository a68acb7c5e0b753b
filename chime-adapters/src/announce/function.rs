//! Functions that meetings name.

use std::sync::Arc;

use async_trait::async_trait;
use chime_domain::ports::{AnnounceError, Functions, Invocation, InvocationType, InvokeError};
use chime_domain::text::Private;

use super::listeners::Listener;

/// Invokes functions with events, without waiting for what they make of them.
#[derive(Clone, Debug)]
pub struct FunctionListener(pub Arc<dyn Functions>);

#[async_trait]
impl Listener for FunctionListener {
    async fn hear(&self, to: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        let invocation =
            Invocation { function: to.into(), kind: InvocationType::Event, payload: event.clone() };
        match self.0.invoke(invocation).await {
            Ok(_) => Ok(()),
            Err(InvokeError::Refused(why)) => Err(AnnounceError::Refused(why)),
            Err(InvokeError::Unreachable(cause)) => Err(AnnounceError::Unreachable(cause)),
        }
    }
}
