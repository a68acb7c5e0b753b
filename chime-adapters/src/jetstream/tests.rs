//! Against Debian's nats-server.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use chime_domain::conformance::Task;
use chime_domain::conformance::sink::Reader;
use chime_domain::ports::{CheckError, Position, Sink, SinkError, SinkRecord, Taken};
use chime_domain::text::Private;
use tokio::runtime::Runtime;

use super::JetStreamSink;
use super::sink::stream;
use crate::test_server::TestServer;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

fn run(task: Task<'_>) {
    RUNTIME.block_on(task);
}

/// Its server; without one, a sink in memory, of which the claims hold anyway.
struct Nats {
    server: Option<TestServer>,
    sink: Arc<dyn Sink>,
    memory: Arc<crate::memory::MemorySink>,
    _directory: tempfile::TempDir,
}

#[derive(Debug)]
struct Shared(Arc<dyn Sink>);

#[async_trait]
impl Sink for Shared {
    async fn check(&self, destination: &str) -> Result<(), CheckError> {
        self.0.check(destination).await
    }

    async fn put(&self, destination: &str, records: &[SinkRecord]) -> Taken {
        self.0.put(destination, records).await
    }
}

impl Nats {
    async fn start() -> (Shared, Self) {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().display().to_string();
        let server = TestServer::start("nats-server", |port| {
            ["-a", "127.0.0.1", "-p", port, "-js", "-sd", &store].map(str::to_owned).to_vec()
        });
        let memory = Arc::new(crate::memory::MemorySink::new());
        let sink: Arc<dyn Sink> = match &server {
            Some(server) => {
                Arc::new(JetStreamSink::open(&format!("nats://127.0.0.1:{}", server.port)).await.unwrap())
            }
            None => Arc::clone(&memory) as Arc<dyn Sink>,
        };
        (Shared(Arc::clone(&sink)), Self { server, sink, memory, _directory: directory })
    }
}

#[async_trait]
impl Reader for Nats {
    async fn destination(&self, name: &str) -> String {
        let destination = format!("arn:aws:kinesis:us-east-1:123456789012:stream/chime-messaging-{name}.x");
        let mut tries = 0;
        // The client connects on its own.
        while let Err(error) = self.sink.check(&destination).await {
            tries += 1;
            assert!(tries < 100, "{error}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        destination
    }

    async fn arrived(&self, destination: &str) -> Vec<Vec<u8>> {
        let Some(server) = &self.server else {
            let records = self.memory.delivered(destination);
            return records.iter().map(|record| record.data.0.to_vec()).collect();
        };
        let client = async_nats::connect(format!("127.0.0.1:{}", server.port)).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let mut found = context.get_stream(stream(destination)).await.unwrap();
        let last = found.info().await.unwrap().state.last_sequence;
        let mut all = Vec::new();
        for sequence in 1..=last {
            all.push(found.get_raw_message(sequence).await.unwrap().payload.to_vec());
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

chime_domain::sink_conformance!(run = run, Nats::start());

fn record(key: &str, position: u64) -> SinkRecord {
    let data = Private(bytes::Bytes::from(format!("{{\"At\":{position}}}")));
    SinkRecord { key: key.into(), data, position: Position(position) }
}

#[test]
fn what_is_handed_over_twice_arrives_once() {
    run(Box::pin(async {
        let (sink, nats) = Nats::start().await;
        if nats.server.is_none() {
            return;
        }
        let destination = nats.destination("twice").await;
        let records = [record("arn/channel/a.b", 1), record("arn/channel/a.b", 2)];
        assert_eq!(sink.put(&destination, &records).await.taken, [0, 1]);
        assert_eq!(sink.put(&destination, &records).await.taken, [0, 1]);
        assert_eq!(nats.arrived(&destination).await.len(), 2);
    }));
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    run(Box::pin(async {
        let sink = JetStreamSink::open("nats://user:word@127.0.0.1:1").await.unwrap();
        let error = sink.check("arn:aws:kinesis:us-east-1:1:stream/chime-messaging-a").await.unwrap_err();
        assert!(matches!(error, CheckError::Unavailable(_)), "{error}");
        let taken = sink.put("chime-messaging-a", &[record("a", 1)]).await;
        assert!(matches!(taken.error, Some(SinkError::Unavailable(_))));
        assert!(JetStreamSink::open("no url").await.is_err());
    }));
}
