//! Push notifications through a gateway of the operator's: an HTTP service that holds the keys of APNs and FCM.
//!
//! It gets a POST for each notification, `{"Id", "Service", "Application", "DeviceToken", "Call", "Title", "Body",
//! "Data"}`, and answers 2xx when it has taken it, 404 or 410 when the device is not known any more, anything else when
//! it should be asked again.

use async_trait::async_trait;
use chime_domain::ports::{Notification, Notifier, NotifyError};
use chime_domain::text::Private;
use futures_util::stream::{self, StreamExt};
use reqwest::Url;
use serde_json::json;

use super::client::{Outbound, OutboundClient, Trust};

/// Calls under way at once.
const AT_ONCE: usize = 32;

/// Hands notifications to a gateway.
#[derive(Clone, Debug)]
pub struct PushGateway {
    client: OutboundClient,
    url: Url,
}

impl PushGateway {
    /// A notifier that posts to `url`.
    #[must_use]
    pub fn new(client: OutboundClient, url: Url) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl Notifier for PushGateway {
    async fn notify(&self, notification: Notification) -> Result<(), NotifyError> {
        let Notification { recipient, device, title, body, data, id } = notification;
        let body = json!({
            "Id": id,
            "Service": device.as_ref().map(|device| device.service),
            "Application": device.as_ref().map(|device| &device.application),
            "DeviceToken": recipient.0,
            "Call": device.as_ref().is_some_and(|device| device.call),
            "Title": title.0,
            "Body": body.0,
            "Data": data,
        });
        let body = Private(body.to_string().into_bytes());
        let call = Outbound {
            url: &self.url,
            trust: Trust::Operator,
            content_type: "application/json",
            headers: &[],
            body,
        };
        match self.client.post(call).await {
            Ok(answer) => match answer.status {
                200..=299 => Ok(()),
                404 | 410 => Err(NotifyError::Rejected),
                status => Err(NotifyError::Unavailable(format!("status {status}").into())),
            },
            Err(error) => Err(NotifyError::Unavailable(Box::new(error))),
        }
    }

    async fn notify_all(&self, notifications: Vec<Notification>) -> Vec<Result<(), NotifyError>> {
        let calls = notifications.into_iter().map(|notification| self.notify(notification));
        stream::iter(calls).buffered(AT_ONCE).collect().await
    }
}
