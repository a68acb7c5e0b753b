//! Who is told of the events of meetings.

use std::sync::Arc;

use anyhow::{Context, Result};
#[cfg(feature = "nats")]
use chime_adapters::announce::NatsListener;
#[cfg(feature = "aws-events")]
use chime_adapters::announce::{AwsCalls, AwsConfig, EventBridge, Queues, Topics};
use chime_adapters::announce::{FunctionListener, Listener, Listeners, Webhook};
use chime_adapters::outbound::OutboundClient;
use chime_domain::ports::{Clock, Functions};
use sha2::{Digest, Sha256};

use crate::config::{Config, StandingListener};

/// The listeners of the configuration. Calls are signed by the clock of the wall: whoever checks them has no other.
#[cfg_attr(not(feature = "aws-events"), expect(unused_variables, reason = "only AWS wants signatures"))]
pub(super) async fn listeners(
    config: &Config,
    client: OutboundClient,
    ca_pem: Option<Vec<u8>>,
    functions: &Arc<dyn Functions>,
    wall: Arc<dyn Clock>,
) -> Result<Listeners> {
    let events = &config.meeting_events;
    let mut listeners = Listeners::default();
    if config.outbound.lambda_endpoint.is_some() || !config.outbound.functions.is_empty() {
        listeners = listeners.with_functions(Arc::new(FunctionListener(Arc::clone(functions))));
    }
    #[cfg(feature = "aws-events")]
    let aws = if events.needs_aws() {
        let region = config.auth.region.clone();
        let aws = AwsConfig { endpoint: events.endpoint.clone(), ca_pem, region };
        let calls = AwsCalls::open(aws, client.clone(), wall);
        Some(calls.await.context("calls to AWS")?)
    } else {
        None
    };
    #[cfg(feature = "aws-events")]
    if let Some(calls) = aws.as_ref().filter(|_| events.targets) {
        listeners = listeners
            .with_queues(Arc::new(Queues::new(calls.clone())))
            .with_topics(Arc::new(Topics::new(calls.clone())));
    }
    for each in &events.standing {
        let (name, listener): (_, Arc<dyn Listener>) = match each {
            #[cfg(feature = "aws-events")]
            StandingListener::EventBridge(bus) => {
                let calls = aws.clone().context("calls to AWS")?;
                let bridge = EventBridge::new(calls, &config.auth.region, bus, events.source.clone());
                (format!("eventbridge-{bus}"), Arc::new(bridge))
            }
            StandingListener::Webhook(url) => {
                let webhook = Webhook::new(client.clone(), url.0.parse().context("the URL of a webhook")?);
                (format!("webhook-{}", digest(&url.0)), Arc::new(webhook))
            }
            #[cfg(feature = "nats")]
            StandingListener::Nats { servers, subject } => {
                let name = format!("nats-{}", digest(&format!("{} {subject}", servers.urls.0)));
                let servers = super::nats::servers(servers);
                let nats = NatsListener::connect(servers, subject).await.context("events to NATS")?;
                (name, Arc::new(nats))
            }
            #[cfg(not(all(feature = "aws-events", feature = "nats")))]
            _ => {
                anyhow::bail!("this server was built without the feature that CHIME_MEETING_EVENTS asks for")
            }
        };
        listeners = listeners.with_standing(&name, listener);
    }
    Ok(listeners)
}

/// What a secret is called by: the same after every start, and nothing that leads back to it.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
