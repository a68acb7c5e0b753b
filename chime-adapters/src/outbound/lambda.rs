//! Functions behind an endpoint that speaks Lambda's `Invoke`, or each behind a URL of its own.
//!
//! # Our choices
//!
//! - Requests to the endpoint are not signed: it stands for an emulator or a gateway of the operator's own.
//! - A function with a URL of its own gets the event as the body of a POST. Any 2xx takes it.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use chime_domain::ports::{Functions, Invocation, InvocationType, InvokeError};
use chime_domain::text::Private;
use reqwest::Url;

use super::client::{Answer, Outbound, OutboundClient, OutboundError, Trust};

const JSON: &str = "application/json";
/// The pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(600)];

/// Calls functions over HTTP.
#[derive(Clone, Debug)]
pub struct LambdaFunctions {
    client: OutboundClient,
    endpoint: Option<Url>,
    urls: HashMap<String, Url>,
}

impl LambdaFunctions {
    /// Functions behind an endpoint, except for those whose ARN has a URL of its own.
    #[must_use]
    pub fn new(client: OutboundClient, endpoint: Option<Url>, urls: HashMap<String, Url>) -> Self {
        Self { client, endpoint, urls }
    }

    fn url(&self, function: &str) -> Result<Url, InvokeError> {
        if let Some(url) = self.urls.get(function) {
            return Ok(url.clone());
        }
        let missing = || InvokeError::Refused("no endpoint for functions is configured".into());
        let mut url = self.endpoint.clone().ok_or_else(missing)?;
        url.path_segments_mut()
            .map_err(|()| InvokeError::Refused("the endpoint for functions is no base of a URL".into()))?
            .pop_if_empty()
            .extend(["2015-03-31", "functions", function, "invocations"]);
        Ok(url)
    }
}

/// What an answer means: the result, or the error, and whether another try may meet a better one.
fn judge(answer: Result<Answer, OutboundError>) -> Result<Private<Vec<u8>>, (InvokeError, bool)> {
    match answer {
        Ok(Answer { function_error: Some(error), .. }) => {
            Err((InvokeError::Refused(format!("the function failed: {error}")), false))
        }
        Ok(Answer { status: 200..=299, body, .. }) => Ok(Private(body.0.to_vec())),
        Ok(Answer { status: status @ (429 | 500..=599), .. }) => {
            Err((InvokeError::Unreachable(format!("status {status}").into()), true))
        }
        Ok(Answer { status, .. }) => Err((InvokeError::Refused(format!("status {status}")), false)),
        Err(error @ OutboundError::Unreachable(_)) => Err((InvokeError::Unreachable(Box::new(error)), true)),
        Err(error) => Err((InvokeError::Refused(error.to_string()), false)),
    }
}

#[async_trait]
impl Functions for LambdaFunctions {
    async fn invoke(&self, invocation: Invocation) -> Result<Private<Vec<u8>>, InvokeError> {
        let url = self.url(&invocation.function)?;
        let kind = match invocation.kind {
            InvocationType::Event => "Event",
            InvocationType::RequestResponse => "RequestResponse",
        };
        let mut pauses = PAUSES.iter();
        loop {
            let headers = [("x-amz-invocation-type", kind)];
            let body = invocation.payload.clone();
            let call =
                Outbound { url: &url, trust: Trust::Operator, content_type: JSON, headers: &headers, body };
            match judge(self.client.post(call).await) {
                Ok(result) => return Ok(result),
                Err((error, again)) => match pauses.next().filter(|_| again) {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(error),
                },
            }
        }
    }
}
