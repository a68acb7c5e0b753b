//! A plain webhook: events as bodies of POSTs.

use async_trait::async_trait;
use chime_domain::ports::AnnounceError;
use chime_domain::text::Private;
use reqwest::Url;

use super::listeners::Listener;
use crate::outbound::{Outbound, OutboundClient, Trust};

/// Posts events to one URL. Any 2xx takes one; 408, 429 and 5xx are asked again later.
#[derive(Clone)]
pub struct Webhook {
    client: OutboundClient,
    url: Url,
}

impl std::fmt::Debug for Webhook {
    /// Not the path: it may be what keeps others out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A listener at `url`, which the operator named.
    #[must_use]
    pub fn new(client: OutboundClient, url: Url) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl Listener for Webhook {
    async fn hear(&self, _: &str, event: &Private<Vec<u8>>) -> Result<(), AnnounceError> {
        let call = Outbound {
            url: &self.url,
            trust: Trust::Operator,
            content_type: "application/json",
            headers: &[],
            body: event.clone(),
        };
        match self.client.post(call).await {
            Ok(answer) => match answer.status {
                200..=299 => Ok(()),
                status @ (408 | 429 | 500..=599) => {
                    Err(AnnounceError::Unreachable(format!("status {status}").into()))
                }
                status => Err(AnnounceError::Refused(format!("status {status}"))),
            },
            Err(error) => Err(AnnounceError::Unreachable(Box::new(error))),
        }
    }
}
