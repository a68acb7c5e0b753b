//! An EventBridge bus.

use async_trait::async_trait;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;
use serde_json::{Value, json};

use super::calls::{AwsCalls, Call, is_temporary};
use crate::announce::Listener;

/// Puts events on one bus.
#[derive(Clone, Debug)]
pub struct EventBridge {
    calls: AwsCalls,
    region: String,
    bus: String,
    source: Option<String>,
}

impl EventBridge {
    /// The bus of this name in a region. With `source`, events have that instead of their own.
    #[must_use]
    pub fn new(calls: AwsCalls, region: &str, bus: &str, source: Option<String>) -> Self {
        Self { calls, region: region.to_owned(), bus: bus.to_owned(), source }
    }

    /// The entry of an event.
    fn entry(&self, event: &Value) -> Option<Value> {
        let text = |name| event.get(name).and_then(Value::as_str);
        let detail = event.get("detail")?;
        let at = detail.get("timestamp").and_then(Value::as_i64).unwrap_or_default();
        Some(json!({
            "Source": self.source.as_deref().or(text("source"))?,
            "DetailType": text("detail-type")?,
            "Detail": detail.to_string(),
            "Resources": event.get("resources")?,
            "Time": at.div_euclid(1000),
            "EventBusName": self.bus,
        }))
    }
}

#[async_trait]
impl Listener for EventBridge {
    async fn hear(&self, _: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        let event: Value = serde_json::from_slice(&event.0).unwrap_or_default();
        let entry = self.entry(&event).ok_or_else(|| AnnounceError::Refused("it is no event".into()))?;
        let call = Call {
            service: "events",
            region: &self.region,
            target: Some("AWSEvents.PutEvents"),
            content_type: "application/x-amz-json-1.1",
            body: json!({ "Entries": [entry] }).to_string().into_bytes(),
        };
        let answer = self.calls.call(call).await?;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|error| AnnounceError::Unreachable(error.into()))?;
        match answer.pointer("/Entries/0/ErrorCode").and_then(Value::as_str) {
            None => Ok(()),
            Some(code) if is_temporary(200, code) => Err(AnnounceError::Unreachable(code.into())),
            Some(code) => Err(AnnounceError::Refused(code.into())),
        }
    }
}
