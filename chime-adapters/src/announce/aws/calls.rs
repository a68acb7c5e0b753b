//! Signed calls.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use chime_domain::error::Cause;
use chime_domain::ports::{AnnounceError, Clock};
use chime_domain::text::Private;
use reqwest::Url;
use reqwest::tls::Certificate;
use serde_json::Value;

use crate::aws::Connector;
use crate::outbound::{Answer, Outbound, OutboundClient, Trust};

/// How long asking for credentials may take.
const CREDENTIALS_TIME: Duration = Duration::from_secs(4);

/// How AWS is called.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    /// Another endpoint than those of the services: an emulator.
    pub endpoint: Option<Url>,
    /// Certificates that asking for credentials trusts beside those of the system, in PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// The region in which credentials are asked for.
    pub region: String,
}

/// Makes calls. Clones share credentials and connections.
#[derive(Clone)]
pub struct AwsCalls {
    client: OutboundClient,
    credentials: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
    endpoint: Option<Url>,
}

impl fmt::Debug for AwsCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsCalls").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Calls cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AwsError {
    /// The client that asks for credentials cannot be made.
    #[error("the client that asks for credentials cannot be set up")]
    Client(#[source] reqwest::Error),
    /// There is no way to find credentials.
    #[error("no source of AWS credentials is known")]
    NoCredentials,
}

/// One call.
pub(crate) struct Call<'a> {
    /// The service, as its host and its signatures name it.
    pub(crate) service: &'static str,
    pub(crate) region: &'a str,
    /// The action, in the JSON protocols.
    pub(crate) target: Option<&'static str>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl AwsCalls {
    /// Calls over `client`, signed at the moments of `clock` with credentials from where AWS clients look for them: the
    /// environment, the profile, a web identity, the container, the instance. The process needs a default crypto
    /// provider of rustls.
    ///
    /// # Errors
    ///
    /// [`AwsError`].
    pub async fn open(
        config: AwsConfig,
        client: OutboundClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AwsError> {
        let builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(CREDENTIALS_TIME)
            .connect_timeout(CREDENTIALS_TIME / 2);
        let builder = match &config.ca_pem {
            Some(pem) => {
                builder.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(AwsError::Client)?)
            }
            None => builder,
        };
        let connector = Connector::new(builder.build().map_err(AwsError::Client)?);
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(config.region))
            .http_client(connector)
            .load()
            .await;
        let credentials = shared.credentials_provider().ok_or(AwsError::NoCredentials)?;
        Ok(Self { client, credentials, clock, endpoint: config.endpoint })
    }

    /// The same with these credentials.
    #[cfg(test)]
    pub(crate) fn with(
        credentials: aws_credential_types::Credentials,
        endpoint: Url,
        client: OutboundClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let credentials = SharedCredentialsProvider::new(credentials);
        Self { client, credentials, clock, endpoint: Some(endpoint) }
    }

    fn url(&self, service: &str, region: &str) -> Result<Url, AnnounceError> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = format!("https://{service}.{region}.{suffix}/").parse();
        url.map_err(|_| AnnounceError::Refused("the region is none".into()))
    }

    /// Makes one call; gives the body of its answer.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Bytes, AnnounceError> {
        let url = self.url(call.service, call.region)?;
        judge(self.post(&url, call).await.map_err(AnnounceError::Unreachable)?)
    }

    /// Makes one call to a URL; an answer with any status is an answer.
    pub(crate) async fn post(&self, url: &Url, call: Call<'_>) -> Result<Answer, Cause> {
        let credentials = self.credentials.provide_credentials().await?;
        let mut headers = vec![("content-type", call.content_type)];
        headers.extend(call.target.map(|target| ("x-amz-target", target)));
        let identity = credentials.into();
        let now = Duration::from_millis(u64::try_from(self.clock.now().millis()).unwrap_or(0));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(call.region)
            .name(call.service)
            .time(UNIX_EPOCH + now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let signable = SignableRequest::new(
            "POST",
            url.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(&call.body),
        );
        let signed = signable.and_then(|signable| sign(signable, &parameters))?;
        let (signed, _) = signed.into_parts();
        let mut headers: Vec<_> = call.target.map(|target| ("x-amz-target", target)).into_iter().collect();
        headers.extend(signed.headers());
        let outbound = Outbound {
            url,
            trust: Trust::Operator,
            content_type: call.content_type,
            headers: &headers,
            body: Private(call.body),
        };
        Ok(self.client.post(outbound).await?)
    }
}

/// What an answer means. A text for the log holds codes alone.
fn judge(answer: Answer) -> Result<Bytes, AnnounceError> {
    let Answer { status, body, .. } = answer;
    if matches!(status, 200..=299) {
        return Ok(body.0);
    }
    let code = code(&body.0);
    let why = if code.is_empty() { format!("status {status}") } else { format!("{code} (status {status})") };
    if is_temporary(status, &code) {
        Err(AnnounceError::Unreachable(why.into()))
    } else {
        Err(AnnounceError::Refused(why))
    }
}

/// Whether another try may meet a better answer. Permissions that are missing may be granted meanwhile.
pub(super) fn is_temporary(status: u16, code: &str) -> bool {
    let words =
        ["Throttl", "LimitExceeded", "AccessDenied", "Authorization", "InternalFailure", "InternalError"];
    matches!(status, 401 | 403 | 408 | 429 | 500..=599)
        || words.iter().any(|word| code.contains(word)) && code != "NotAuthorizedForSourceException"
}

/// The code of an error, in JSON or in XML.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let in_json = || {
        let json: Value = serde_json::from_str(&text).ok()?;
        let kind = json.get("__type")?.as_str()?;
        Some(kind.rsplit('#').next().unwrap_or(kind).to_owned())
    };
    let in_xml = || Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0.to_owned());
    let code = in_json().or_else(in_xml).unwrap_or_default();
    code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').take(80).collect()
}
