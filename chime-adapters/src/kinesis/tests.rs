//! Against the Kinesis of moto's server, and against answers as a script says.

use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use aws_sdk_kinesis::config::Credentials;
use aws_sdk_kinesis::types::{EncryptionType, ShardIteratorType};
use bytes::Bytes;
use chime_domain::conformance::Task;
use chime_domain::conformance::sink::Reader;
use chime_domain::ports::{CheckError, Position, Sink, SinkError, SinkRecord, Taken};
use chime_domain::text::Private;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use super::{KinesisConfig, KinesisSink};
use crate::test_server::TestServer;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

fn run(task: Task<'_>) {
    RUNTIME.block_on(task);
}

async fn sink(endpoint: String) -> KinesisSink {
    let config = KinesisConfig { region: "us-east-1".into(), endpoint: Some(endpoint), ca_pem: None };
    KinesisSink::with(config, Some(Credentials::new("AKID", "secret", None, None, "test"))).await.unwrap()
}

fn arn(name: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:123456789012:stream/chime-messaging-{name}")
}

/// Moto's server; without it, in memory so that the claims hold trivially.
struct Moto {
    server: Option<TestServer>,
    sink: Either,
}

#[derive(Clone, Debug)]
enum Either {
    Kinesis(KinesisSink),
    Skipped(Arc<crate::memory::MemorySink>),
}

#[async_trait]
impl Sink for Either {
    async fn check(&self, destination: &str) -> Result<(), CheckError> {
        match self {
            Self::Kinesis(sink) => sink.check(destination).await,
            Self::Skipped(sink) => sink.check(destination).await,
        }
    }

    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
        match self {
            Self::Kinesis(sink) => sink.put(destination, records).await,
            Self::Skipped(sink) => sink.put(destination, records).await,
        }
    }
}

impl Moto {
    async fn start() -> (Either, Self) {
        let server = TestServer::start("moto_server", |port| vec!["-H127.0.0.1".into(), format!("-p{port}")]);
        let either = match &server {
            Some(server) => Either::Kinesis(sink(format!("http://127.0.0.1:{}", server.port)).await),
            None => Either::Skipped(Arc::default()),
        };
        (either.clone(), Self { server, sink: either })
    }

    async fn create(&self, name: &str, shards: i32, encrypted: bool) -> String {
        let Either::Kinesis(sink) = &self.sink else { return arn(name) };
        let name = format!("chime-messaging-{name}");
        sink.client.create_stream().stream_name(&name).shard_count(shards).send().await.unwrap();
        let mut ready = false;
        while !ready {
            let found = sink.client.describe_stream_summary().stream_name(&name).send().await.unwrap();
            ready = found.stream_description_summary().unwrap().stream_status().as_str() == "ACTIVE";
        }
        if encrypted {
            let call = sink.client.start_stream_encryption().stream_name(&name).key_id("alias/aws/kinesis");
            call.encryption_type(EncryptionType::Kms).send().await.unwrap();
        }
        format!("arn:aws:kinesis:us-east-1:123456789012:stream/{name}")
    }
}

#[async_trait]
impl Reader for Moto {
    async fn destination(&self, name: &str) -> String {
        self.create(name, 2, true).await
    }

    async fn arrived(&self, destination: &str) -> Vec<Vec<u8>> {
        let client = match &self.sink {
            Either::Kinesis(sink) => &sink.client,
            Either::Skipped(sink) => {
                return sink.delivered(destination).iter().map(|record| record.data.0.to_vec()).collect();
            }
        };
        let found = client.describe_stream().stream_arn(destination).send().await.unwrap();
        let (mut all, name) = (Vec::new(), destination.rsplit('/').next().unwrap());
        for shard in found.stream_description().unwrap().shards() {
            let call = client.get_shard_iterator().stream_name(name).shard_id(shard.shard_id());
            let call = call.shard_iterator_type(ShardIteratorType::TrimHorizon);
            let mut next = call.send().await.unwrap().shard_iterator().map(str::to_owned);
            while let Some(iterator) = next {
                let page = client.get_records().shard_iterator(iterator).send().await.unwrap();
                all.extend(page.records().iter().map(|record| record.data().as_ref().to_vec()));
                next = page.next_shard_iterator().map(str::to_owned);
                if page.records().is_empty() && page.millis_behind_latest().unwrap_or_default() == 0 {
                    break;
                }
            }
        }
        all
    }

    async fn set_down(&self, down: bool) -> bool {
        if let Some(server) = &self.server {
            server.pause(down);
        }
        self.server.is_some()
    }
}

chime_domain::sink_conformance!(run = run, Moto::start());

#[test]
fn str_04_to_06_a_stream_is_asked_for_its_shards_and_its_encryption() {
    run(Box::pin(async {
        let (sink, moto) = Moto::start().await;
        if moto.server.is_none() {
            return;
        }
        sink.check(&moto.create("good", 2, true).await).await.unwrap();
        let error = sink.check(&moto.create("small", 1, true).await).await.unwrap_err();
        assert!(matches!(error, CheckError::TooFewShards), "{error:?}");
        let error = sink.check(&moto.create("plain", 2, false).await).await.unwrap_err();
        assert!(matches!(error, CheckError::NotEncrypted), "{error:?}");
        let error = sink.check(&arn("none")).await.unwrap_err();
        assert!(matches!(error, CheckError::Missing), "{error:?}");
        let taken = sink.put(&arn("none"), &[record("a", 1)]).await;
        assert!(matches!(taken.error, Some(SinkError::Rejected(_))), "{taken:?}");
    }));
}

fn record(key: &str, position: u64) -> SinkRecord {
    let data = Private(Bytes::from(format!("{key}{position}")));
    SinkRecord { key: key.into(), data, position: Position(position) }
}

/// A server that answers each call as the script says, the last one again and again, and notes the calls' bodies.
async fn scripted(script: Vec<(u16, &'static str)>) -> (KinesisSink, Arc<Mutex<Vec<serde_json::Value>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    tokio::spawn(async move {
        for n in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let body = loop {
                let mut more = [0; 4096];
                let count = stream.read(&mut more).await.unwrap();
                bytes.extend_from_slice(&more[..count]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let head = head.to_ascii_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
                if body.len() >= length.parse::<usize>().unwrap() {
                    break body.to_owned();
                }
            };
            noted.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            let (status, answer) = script.get(n).or(script.last()).unwrap();
            let head = "content-type: application/x-amz-json-1.1\r\nconnection: close\r\n";
            let answer =
                format!("HTTP/1.1 {status} X\r\n{head}content-length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (sink(format!("http://127.0.0.1:{port}")).await, calls)
}

const OK: &str = r#"{"SequenceNumber": "1", "ShardId": "s"}"#;
const SLOW: &str = r#"{"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}"#;

fn answer(results: &[&str]) -> &'static str {
    let failed = results.iter().filter(|result| **result == SLOW).count();
    format!(r#"{{"FailedRecordCount": {failed}, "Records": [{}]}}"#, results.join(",")).leak()
}

/// The partition keys of each call.
fn keys(calls: &Mutex<Vec<serde_json::Value>>) -> Vec<Vec<String>> {
    let key = |record: &serde_json::Value| record["PartitionKey"].as_str().unwrap().to_owned();
    let calls = calls.lock().unwrap();
    calls.iter().map(|call| call["Records"].as_array().unwrap().iter().map(key).collect()).collect()
}

#[test]
fn a_record_that_is_throttled_holds_up_its_channel_and_no_other() {
    run(Box::pin(async {
        let script = vec![(200, answer(&[SLOW, OK])), (200, answer(&[OK, OK])), (200, answer(&[OK]))];
        let (sink, calls) = scripted(script).await;
        let records = [record("a", 1), record("b", 2), record("a", 3), record("b", 4)];
        let taken = sink.put(&arn("x"), &records).await;
        assert!(taken.error.is_none() && taken.taken == [0, 1, 2, 3], "{taken:?}");
        assert_eq!(keys(&calls), [vec!["a", "b"], vec!["a", "b"], vec!["a"]]);
    }));
}

#[test]
fn what_goes_on_being_throttled_is_left_for_later_with_what_follows_it() {
    run(Box::pin(async {
        let script = vec![(200, answer(&[SLOW, OK])), (200, answer(&[SLOW]))];
        let (sink, _) = scripted(script).await;
        let taken = sink.put(&arn("x"), &[record("a", 1), record("b", 2), record("a", 3)]).await;
        assert!(matches!(taken.error, Some(SinkError::Throttled)) && taken.taken == [1], "{taken:?}");
    }));
}

#[test]
fn errors_of_a_call_are_typed() {
    run(Box::pin(async {
        let of = |kind: &str| -> &'static str { format!(r#"{{"__type": "{kind}", "message": "m"}}"#).leak() };
        type Meant = fn(&SinkError) -> bool;
        let cases: [(u16, &str, Meant); 5] = [
            (400, "ResourceNotFoundException", |error| matches!(error, SinkError::Rejected(_))),
            (400, "AccessDeniedException", |error| matches!(error, SinkError::Rejected(_))),
            (400, "ProvisionedThroughputExceededException", |error| matches!(error, SinkError::Throttled)),
            (400, "KMSThrottlingException", |error| matches!(error, SinkError::Throttled)),
            (500, "InternalFailure", |error| matches!(error, SinkError::Unavailable(_))),
        ];
        for (status, kind, meant) in cases {
            let (sink, _) = scripted(vec![(status, of(kind))]).await;
            let taken = sink.put(&arn("x"), &[record("a", 1)]).await;
            let error = taken.error.unwrap();
            assert!(meant(&error) && taken.taken.is_empty(), "{kind}: {error:?}");
            if status == 500 {
                let error = sink.check(&arn("x")).await.unwrap_err();
                assert!(matches!(error, CheckError::Unavailable(_)), "{error:?}");
            }
        }
        let nobody = sink("http://127.0.0.1:1".into()).await;
        let taken = nobody.put(&arn("x"), &[record("a", 1)]).await;
        assert!(matches!(taken.error, Some(SinkError::Unavailable(_))), "{taken:?}");
    }));
}
