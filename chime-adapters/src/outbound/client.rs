//! The client.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chime_domain::text::Private;
use reqwest::redirect::Policy;
use reqwest::tls::Certificate;
use reqwest::{Client, ClientBuilder, Method, Url};

use super::address::{PublicOnly, is_public};

/// Bounds of calls that leave the service.
#[derive(Clone, Debug)]
pub struct OutboundConfig {
    /// Certificates to trust beside those of the system, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// Users of the service may name private addresses too.
    pub allow_private: bool,
    /// How long a call may take, connecting included.
    pub timeout: Duration,
    /// The longest answer that is read, in bytes.
    pub most_bytes: usize,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self { ca_pem: None, allow_private: false, timeout: Duration::from_secs(8), most_bytes: 6 << 20 }
    }
}

/// Who named the destination of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The operator, in the configuration: it may be anywhere.
    Operator,
    /// A user of the service: it has to be on the public internet.
    User,
}

/// One call: a POST.
#[derive(Clone, Debug)]
pub struct Outbound<'a> {
    /// To where.
    pub url: &'a Url,
    /// Who named that.
    pub trust: Trust,
    /// Media type of the body.
    pub content_type: &'a str,
    /// Headers beside that.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Private<Vec<u8>>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The error that a function reports of itself (`X-Amz-Function-Error`).
    pub function_error: Option<String>,
    /// The body.
    pub body: Private<Bytes>,
}

/// A call that came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The destination is not one that users may name.
    #[error("the destination is not on the public internet, or not an HTTP URL")]
    Forbidden,
    /// The answer was longer than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// No answer, or not in time.
    #[error("the destination cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The client cannot be made.
    #[error("the outbound client cannot be set up")]
    SetUp(#[source] reqwest::Error),
}

/// Makes calls. Clones share its connections.
#[derive(Clone, Debug)]
pub struct OutboundClient {
    anywhere: Client,
    public: Client,
    allow_private: bool,
    most_bytes: usize,
}

impl OutboundClient {
    /// A client within these bounds. The process needs a default crypto provider of rustls. Where the system has no
    /// certificates of authorities, those of the configuration alone are trusted.
    ///
    /// # Errors
    ///
    /// [`OutboundError::SetUp`] when the certificates cannot be read.
    pub fn new(config: &OutboundConfig) -> Result<Self, OutboundError> {
        // On a system without any, as in small containers, nothing is set up with those of the system.
        let bare = rustls_native_certs::load_native_certs().certs.is_empty();
        let builder = || -> Result<ClientBuilder, reqwest::Error> {
            let builder = Client::builder()
                .redirect(Policy::none())
                .timeout(config.timeout)
                .connect_timeout(config.timeout / 2)
                .no_proxy()
                .user_agent(concat!("chime-server/", env!("CARGO_PKG_VERSION")));
            let own =
                config.ca_pem.as_deref().map(Certificate::from_pem_bundle).transpose()?.unwrap_or_default();
            Ok(if bare { builder.tls_certs_only(own) } else { builder.tls_certs_merge(own) })
        };
        let anywhere = builder().and_then(ClientBuilder::build).map_err(OutboundError::SetUp)?;
        let public = builder()
            .and_then(|builder| builder.dns_resolver(Arc::new(PublicOnly)).build())
            .map_err(OutboundError::SetUp)?;
        let OutboundConfig { allow_private, most_bytes, .. } = *config;
        Ok(Self { anywhere, public, allow_private, most_bytes })
    }

    /// Makes one call.
    ///
    /// # Errors
    ///
    /// [`OutboundError`]. An answer with any status is an answer.
    pub async fn post(&self, call: Outbound<'_>) -> Result<Answer, OutboundError> {
        let client = self.client_for(call.url, call.trust)?;
        let mut request =
            client.request(Method::POST, call.url.clone()).header("content-type", call.content_type);
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        let mut response = request.body(call.body.0).send().await.map_err(OutboundError::Unreachable)?;
        let status = response.status().as_u16();
        let function_error = response.headers().get("x-amz-function-error");
        let function_error = function_error.and_then(|text| Some(text.to_str().ok()?.to_owned()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(OutboundError::Unreachable)? {
            if body.len() + chunk.len() > self.most_bytes {
                return Err(OutboundError::TooLong(self.most_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, function_error, body: Private(body.freeze()) })
    }

    fn client_for(&self, url: &Url, trust: Trust) -> Result<&Client, OutboundError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutboundError::Forbidden);
        }
        if trust == Trust::Operator || self.allow_private {
            return Ok(&self.anywhere);
        }
        // An address in the URL itself is never resolved.
        let literal =
            url.host_str().map(|host| host.trim_matches(['[', ']'])).and_then(|host| host.parse().ok());
        match literal {
            Some(ip) if !is_public(ip) => Err(OutboundError::Forbidden),
            _ => Ok(&self.public),
        }
    }
}
