//! Everything that leaves the server: functions, notifications to devices, exported events.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
#[cfg(feature = "aws-events")]
use chime_adapters::announce::{AwsCalls, AwsConfig};
use chime_adapters::file::FileSink;
#[cfg(feature = "jetstream")]
use chime_adapters::jetstream::JetStreamSink;
#[cfg(feature = "kinesis")]
use chime_adapters::kinesis::{KinesisConfig, KinesisSink};
#[cfg(feature = "aws-events")]
use chime_adapters::lex::LexRuntime;
use chime_adapters::outbound::{
    LambdaFunctions, OutboundClient, OutboundConfig, PushGateway, VapidKey, WebPush,
};
use chime_domain::ports::{Announcer, Clock, Functions, Lex, NoLex, NoNotifier, NoSink, Notifier, Sink};

use super::events;
use crate::config::{Config, Export, Outbound};
use crate::files::{self, Access};
use crate::ops::Metrics;
use crate::outbound::{LoggedAnnouncer, LoggedFunctions, LoggedLex, LoggedNotifier};

/// Name of the file in the data directory with the key that push services know this server by.
const KEY: &str = "web-push.pk8";

/// What was composed.
pub(super) struct Outward {
    pub(super) functions: Arc<dyn Functions>,
    /// What is behind bots.
    pub(super) lex: Arc<dyn Lex>,
    pub(super) notifier: Arc<dyn Notifier>,
    /// Who is told of the events of meetings.
    pub(super) announcer: Arc<dyn Announcer>,
    /// Where events are exported to.
    pub(super) sink: Arc<dyn Sink>,
    /// What browsers subscribe with, if they are pushed to.
    pub(super) web_push_key: Option<String>,
}

pub(super) async fn open(
    config: &Config,
    clock: Arc<dyn Clock>,
    wall: Arc<dyn Clock>,
    metrics: &Metrics,
) -> Result<Outward> {
    let client = client(&config.outbound)?;
    let of = &config.outbound;
    let functions = LambdaFunctions::new(client.clone(), of.lambda_endpoint.clone(), of.functions.clone());
    let functions: Arc<dyn Functions> = Arc::new(functions);
    let ca_pem = ca_pem(of)?;
    let lex = lex(config, &client, ca_pem.clone(), &wall).await?;
    let listeners = events::listeners(config, client.clone(), ca_pem, &functions, wall).await?;
    let gateway: Arc<dyn Notifier> = match &of.push_gateway {
        Some(url) => Arc::new(PushGateway::new(client.clone(), url.clone())),
        None => Arc::new(NoNotifier),
    };
    let (notifier, web_push_key) = match &of.web_push_contact {
        Some(contact) => {
            let key = Arc::new(key(&config.storage.data_dir)?);
            let public = key.public();
            (Arc::new(WebPush::new(client, key, contact, clock, gateway)) as Arc<dyn Notifier>, Some(public))
        }
        None => (gateway, None),
    };
    Ok(Outward {
        functions: Arc::new(LoggedFunctions(functions)),
        lex: Arc::new(LoggedLex(lex)),
        announcer: Arc::new(LoggedAnnouncer::new(Arc::new(listeners), metrics.meeting_events())),
        notifier: Arc::new(LoggedNotifier(notifier)),
        web_push_key,
        sink: sink(config).await?,
    })
}

/// The client of all calls that leave the server.
pub(super) fn client(config: &Outbound) -> Result<OutboundClient> {
    // An embedding process may have installed one already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bounds = OutboundConfig {
        ca_pem: ca_pem(config)?,
        allow_private: config.allow_private,
        ..OutboundConfig::default()
    };
    OutboundClient::new(&bounds).context("calls out of the server")
}

/// What is behind bots. Calls are signed by the clock of the wall, as those to other services of AWS.
#[cfg_attr(
    not(feature = "aws-events"),
    expect(clippy::unused_async, unused_variables, reason = "only Lex needs them")
)]
async fn lex(
    config: &Config,
    client: &OutboundClient,
    ca_pem: Option<Vec<u8>>,
    wall: &Arc<dyn Clock>,
) -> Result<Arc<dyn Lex>> {
    #[cfg(feature = "aws-events")]
    if let Some(endpoint) = &config.outbound.lex_endpoint {
        let aws = AwsConfig { endpoint: None, ca_pem, region: config.auth.region.clone() };
        let calls = AwsCalls::open(aws, client.clone(), Arc::clone(wall)).await.context("calls to Lex")?;
        return Ok(Arc::new(LexRuntime::new(calls, endpoint.clone())));
    }
    Ok(Arc::new(NoLex))
}

/// The authorities that calls out of the server trust beside those of the system.
fn ca_pem(config: &Outbound) -> Result<Option<Vec<u8>>> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| path.display().to_string());
    config.ca_file.as_ref().map(read).transpose()
}

/// The key by which push services know this server, made at the first start.
fn key(data_dir: &Path) -> Result<VapidKey> {
    let path = data_dir.join(KEY);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = VapidKey::generate()?;
            files::write(&path, &made, Access::Private).with_context(|| path.display().to_string())?;
            made
        }
        found => found.with_context(|| path.display().to_string())?,
    };
    VapidKey::from_pkcs8(&bytes).with_context(|| path.display().to_string())
}

/// What takes exported events.
async fn sink(config: &Config) -> Result<Arc<dyn Sink>> {
    Ok(match &config.export {
        #[cfg(feature = "kinesis")]
        Export::Kinesis(endpoint) => {
            let kinesis = KinesisConfig {
                region: config.auth.region.clone(),
                endpoint: endpoint.as_ref().map(ToString::to_string),
                ca_pem: ca_pem(&config.outbound)?,
            };
            Arc::new(KinesisSink::open(kinesis).await.context("export to Kinesis")?)
        }
        #[cfg(feature = "jetstream")]
        Export::Nats(servers) => {
            let servers = super::nats::servers(servers);
            Arc::new(JetStreamSink::open(servers).await.context("export to NATS")?)
        }
        Export::File(directory) => Arc::new(FileSink::new(directory)),
        Export::None => Arc::new(NoSink),
        #[cfg(not(all(feature = "kinesis", feature = "jetstream")))]
        _ => anyhow::bail!("this server was built without the feature that CHIME_EXPORT asks for"),
    })
}
