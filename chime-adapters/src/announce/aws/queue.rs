//! SQS queues.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;
use serde_json::{Value, json};

use super::Arn;
use super::calls::{AwsCalls, Call};
use crate::announce::Listener;

/// URLs that are remembered; more are asked for again.
const URLS: usize = 1000;

/// Sends events to queues, by their ARN.
#[derive(Clone, Debug)]
pub struct Queues {
    calls: AwsCalls,
    urls: Arc<Mutex<HashMap<String, String>>>,
}

impl Queues {
    /// Queues of AWS, or of what stands in for it.
    #[must_use]
    pub fn new(calls: AwsCalls) -> Self {
        Self { calls, urls: Arc::default() }
    }

    async fn call(&self, region: &str, target: &'static str, body: Value) -> Result<Value, AnnounceError> {
        let body = body.to_string().into_bytes();
        let content_type = "application/x-amz-json-1.0";
        let call = Call { service: "sqs", region, target: Some(target), content_type, body };
        let answer = self.calls.call(call).await?;
        serde_json::from_slice(&answer).map_err(|error| AnnounceError::Unreachable(error.into()))
    }

    async fn url(&self, arn: &str) -> Result<String, AnnounceError> {
        // What a panic leaves behind is a map of whole entries.
        let known = self.urls.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned();
        if let Some(url) = known {
            return Ok(url);
        }
        let Arn { region, account, name } = Arn::parse(arn)?;
        let asked = json!({ "QueueName": name, "QueueOwnerAWSAccountId": account });
        let answer = self.call(region, "AmazonSQS.GetQueueUrl", asked).await?;
        let url = answer.get("QueueUrl").and_then(Value::as_str);
        let url = url.ok_or_else(|| AnnounceError::Refused("the queue has no URL".into()))?.to_owned();
        let mut urls = self.urls.lock().unwrap_or_else(PoisonError::into_inner);
        if urls.len() >= URLS {
            urls.clear();
        }
        urls.insert(arn.to_owned(), url.clone());
        Ok(url)
    }
}

#[async_trait]
impl Listener for Queues {
    async fn hear(&self, to: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        let url = self.url(to).await?;
        let message = json!({ "QueueUrl": url, "MessageBody": String::from_utf8_lossy(&event.0) });
        let sent = self.call(Arn::parse(to)?.region, "AmazonSQS.SendMessage", message).await;
        if sent.is_err() {
            // A queue that was made anew may have another URL.
            self.urls.lock().unwrap_or_else(PoisonError::into_inner).remove(to);
        }
        sent.map(drop)
    }
}
