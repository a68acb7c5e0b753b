//! Functions that note how they are called, and can be reached or not as the test wants.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chime_domain::ids::CallbackId;
use chime_domain::ports::{Functions, Invocation, InvokeError};
use chime_domain::text::Private;
use serde_json::Value;

/// One call of a function.
#[derive(Clone, Debug)]
pub struct Called {
    /// Its ARN.
    pub function: String,
    /// The event.
    pub event: Value,
}

impl Called {
    /// What the processor calls back with.
    ///
    /// # Panics
    ///
    /// When the event has none.
    #[must_use]
    pub fn callback(&self) -> CallbackId {
        let id = self.event.get("CallbackId").and_then(Value::as_str).expect("a callback id");
        CallbackId::new(id).expect("a callback id")
    }

    /// A text of the message in the event; empty when it is absent.
    #[must_use]
    pub fn message(&self, member: &str) -> &str {
        let message = self.event.get("ChannelMessage").and_then(|message| message.get(member));
        message.and_then(Value::as_str).unwrap_or_default()
    }
}

/// The functions of a test.
#[derive(Debug, Default)]
pub struct Script {
    calls: Mutex<Vec<Called>>,
    down: AtomicBool,
}

impl Script {
    /// Whether calls fail.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// The calls so far, which are forgotten.
    ///
    /// # Panics
    ///
    /// When another thread panicked in between.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        std::mem::take(&mut *self.calls.lock().expect("the calls"))
    }
}

#[async_trait]
impl Functions for Script {
    async fn invoke(&self, invocation: Invocation) -> Result<Private<Vec<u8>>, InvokeError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(InvokeError::Unreachable("it is down".into()));
        }
        let event = serde_json::from_slice(&invocation.payload.0).expect("an event in JSON");
        let function = invocation.function.to_string();
        self.calls.lock().expect("the calls").push(Called { function, event });
        Ok(Private(Vec::new()))
    }
}
