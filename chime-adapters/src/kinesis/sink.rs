//! The sink.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Credentials;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{EncryptionType, PutRecordsRequestEntry, StreamStatus};
use chime_domain::ports::{CheckError, Sink, SinkError, SinkRecord, Taken};
use reqwest::tls::Certificate;
use tokio::time::Instant;

use super::error::{meaning, of_call, of_check};
use crate::aws::Connector;
use crate::chains::Chains;

/// Records of one call, at most (documented).
const CALL_RECORDS: usize = 500;
/// Bytes of one call with its partition keys, at most (documented: 5 MiB).
const CALL_BYTES: usize = 5 * 1024 * 1024;
/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(4);
/// How long a run may take before the rest of it is left for the next one.
const RUN_TIME: Duration = Duration::from_secs(5);
/// How often a run is slowed down before whoever called has to.
const TRIES: u32 = 3;
/// The pause before the first other try; the next ones double it.
const PAUSE: Duration = Duration::from_millis(100);
/// Open shards that a stream needs (rule STR-04).
const SHARDS: usize = 2;

/// Where Kinesis is.
#[derive(Clone, Debug, Default)]
pub struct KinesisConfig {
    /// The region.
    pub region: String,
    /// Another endpoint than that of the region.
    pub endpoint: Option<String>,
    /// Certificates to trust beside those of the system, in PEM.
    pub ca_pem: Option<Vec<u8>>,
}

/// Writes exported events to Kinesis.
#[derive(Clone, Debug)]
pub struct KinesisSink {
    pub(super) client: Client,
}

impl KinesisSink {
    /// A sink that calls Kinesis. The process needs a default crypto provider of rustls.
    ///
    /// # Errors
    ///
    /// When the certificates cannot be read.
    pub async fn open(config: KinesisConfig) -> Result<Self, reqwest::Error> {
        Self::with(config, None).await
    }

    /// The same with these credentials.
    pub(super) async fn with(
        config: KinesisConfig,
        credentials: Option<Credentials>,
    ) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder().no_proxy().timeout(CALL_TIME).connect_timeout(CALL_TIME / 2);
        let builder = match &config.ca_pem {
            Some(pem) => builder.tls_certs_merge(Certificate::from_pem_bundle(pem)?),
            None => builder,
        };
        let connector = Connector::new(builder.build()?);
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new(config.region))
            .http_client(connector)
            // Runs are tried again here, where their order is known.
            .retry_config(RetryConfig::disabled());
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(credentials);
        }
        let shared = loader.load().await;
        let mut own = aws_sdk_kinesis::config::Builder::from(&shared);
        own.set_endpoint_url(config.endpoint.or_else(|| shared.endpoint_url().map(str::to_owned)));
        Ok(Self { client: Client::from_conf(own.build()) })
    }

    /// One call, at most one record of each key. Gives the indices that arrived, and an error when there are others.
    async fn call(
        &self,
        stream: &str,
        records: &[SinkRecord],
        wave: &[usize],
    ) -> (Vec<usize>, Option<SinkError>) {
        let mut call = self.client.put_records().stream_arn(stream);
        for record in wave.iter().filter_map(|index| records.get(*index)) {
            let data = Blob::new(record.data.0.to_vec());
            let entry = PutRecordsRequestEntry::builder().data(data).partition_key(&*record.key);
            match entry.build() {
                Ok(entry) => call = call.records(entry),
                Err(error) => return (Vec::new(), Some(SinkError::Unavailable(error.into()))),
            }
        }
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => return (Vec::new(), Some(of_call(error))),
        };
        let (mut arrived, mut error) = (Vec::new(), None);
        for (index, result) in wave.iter().zip(answer.records()) {
            match result.error_code() {
                None => arrived.push(*index),
                Some(code) => error = Some(meaning(code)),
            }
        }
        if arrived.len() < wave.len() && error.is_none() {
            error = Some(SinkError::Unavailable("the answer lacks records".into()));
        }
        (arrived, error)
    }

    async fn check_shards(&self, stream: &str) -> Result<(), CheckError> {
        let (mut open, mut after) = (0, None::<String>);
        loop {
            let call = self.client.describe_stream().stream_arn(stream);
            let call = call.set_exclusive_start_shard_id(after.take());
            let answer = call.send().await.map_err(|error| of_check(of_call(error)))?;
            let Some(found) = answer.stream_description() else { return Err(CheckError::Missing) };
            if *found.stream_status() == StreamStatus::Deleting {
                return Err(CheckError::Missing);
            }
            if found.encryption_type() != Some(&EncryptionType::Kms) {
                return Err(CheckError::NotEncrypted);
            }
            let ended = |shard: &&aws_sdk_kinesis::types::Shard| {
                let range = shard.sequence_number_range();
                range.and_then(|range| range.ending_sequence_number()).is_some()
            };
            open += found.shards().iter().filter(|shard| !ended(shard)).count();
            after = found.shards().last().map(|shard| shard.shard_id().to_owned());
            match (open >= SHARDS, found.has_more_shards() && after.is_some()) {
                (true, _) => return Ok(()),
                (false, true) => {}
                (false, false) => return Err(CheckError::TooFewShards),
            }
        }
    }
}

#[async_trait]
impl Sink for KinesisSink {
    async fn check(&self, destination: &str) -> Result<(), CheckError> {
        match tokio::time::timeout(RUN_TIME, self.check_shards(destination)).await {
            Ok(checked) => checked,
            Err(elapsed) => Err(CheckError::Unavailable(elapsed.into())),
        }
    }

    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
        let (mut chains, mut tries, begun) = (Chains::new(records), 0, Instant::now());
        loop {
            let wave = chains.wave(records, CALL_RECORDS, CALL_BYTES);
            if wave.is_empty() {
                return Taken { taken: chains.into_taken(), error: None };
            }
            let (arrived, error) = self.call(destination, records, &wave).await;
            chains.took(&arrived);
            tries = if arrived.is_empty() { tries + 1 } else { 0 };
            let error = match error {
                Some(error @ SinkError::Rejected(_)) => Some(error),
                Some(error) if tries >= TRIES => Some(error),
                other if begun.elapsed() >= RUN_TIME => {
                    return Taken { taken: chains.into_taken(), error: other };
                }
                None => None,
                Some(_) => {
                    tokio::time::sleep(PAUSE * 2_u32.pow(tries)).await;
                    None
                }
            };
            if error.is_some() {
                return Taken { taken: chains.into_taken(), error };
            }
        }
    }
}
