//! SNS topics.

use async_trait::async_trait;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;
use reqwest::Url;

use super::Arn;
use super::calls::{AwsCalls, Call};
use crate::announce::Listener;

/// Publishes events on topics, by their ARN.
#[derive(Clone, Debug)]
pub struct Topics {
    calls: AwsCalls,
}

impl Topics {
    /// Topics of AWS, or of what stands in for it.
    #[must_use]
    pub fn new(calls: AwsCalls) -> Self {
        Self { calls }
    }
}

/// A form, as bodies hold it.
fn form(members: &[(&str, &str)]) -> Vec<u8> {
    // The query of a URL is written by the same rules.
    let url = Url::parse_with_params("http://form.invalid/", members);
    url.ok().and_then(|url| Some(url.query()?.to_owned())).unwrap_or_default().into_bytes()
}

#[async_trait]
impl Listener for Topics {
    async fn hear(&self, to: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        let message = String::from_utf8_lossy(&event.0);
        let body = form(&[
            ("Action", "Publish"),
            ("Version", "2010-03-31"),
            ("TopicArn", to),
            ("Message", &message),
        ]);
        let Arn { region, .. } = Arn::parse(to)?;
        let content_type = "application/x-www-form-urlencoded";
        let call = Call { service: "sns", region, target: None, content_type, body };
        self.calls.call(call).await.map(drop)
    }
}
