//! How much later than the node that committed it another node has a message, over NATS.
//!
//! `cargo run --release -p chime-adapters --features postgres,nats --example cluster_hop postgres://… nats://…`, on a
//! database of its own.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that measures reads the time and prints"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chime_adapters::nats::NatsBus;
use chime_adapters::postgres::{PostgresConfig, PostgresStore, Wire};
use chime_domain::ports::{
    Append, Batch, Change, Entity, EntryId, Keep, Key, Outbox, Position, Record, Store,
};
use chime_domain::time::Timestamp;

const RATE: u32 = 1000;
const SECONDS: u32 = 15;

#[derive(serde::Serialize, serde::Deserialize)]
struct Message {
    content: String,
}

impl Entity for Message {
    const NAME: &'static str = "message";
}

/// When a node had each position.
async fn watch(node: Arc<PostgresStore>, last: u64) -> HashMap<u64, Instant> {
    let (mut cursor, mut had) = (node.settled().await.unwrap(), HashMap::new());
    while cursor.0 < last {
        node.wait_past(cursor).await;
        let now = Instant::now();
        for one in node.announced(cursor, 1000).await.unwrap() {
            had.insert(one.position.0, now);
            cursor = one.position;
        }
        node.settle(cursor).await.unwrap();
    }
    had
}

async fn measure(url: &str, nats: &str) {
    let config = PostgresConfig::new(url).unwrap();
    let cluster = config.identify().await.unwrap();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let bus = Arc::new(NatsBus::between(nats, &cluster).await.unwrap());
        while !bus.is_connected() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let config = PostgresConfig::new(url).unwrap().with_wire(Wire::Bus(bus));
        nodes.push(Arc::new(PostgresStore::open(config).await.unwrap()));
    }
    let Position(before) = nodes[0].newest().await.unwrap();
    let total = u64::from(RATE * SECONDS);
    let watching = nodes.iter().map(|node| tokio::spawn(watch(Arc::clone(node), before + total)));
    let watching: Vec<_> = watching.collect();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut sends = tokio::task::JoinSet::new();
    for n in 0..total {
        ticks.tick().await;
        let node = Arc::clone(&nodes[0]);
        sends.spawn(async move {
            let append = Append {
                stream: Key::new("messages", &[&(n % 100).to_string()]),
                id: EntryId::from(n.to_string()),
                at: Timestamp::default(),
                record: Record::of(Message { content: "x".repeat(500) }),
                keep: Keep::Yes,
            };
            let started = Instant::now();
            node.commit(Batch { changes: vec![Change::Append(append)], ..Batch::default() }).await.unwrap();
            started.elapsed()
        });
    }
    let mut commits = sends.join_all().await;
    let mut had = Vec::new();
    for node in watching {
        had.push(node.await.unwrap());
    }
    let mut hops: Vec<Duration> =
        had[0].iter().map(|(position, at)| had[1][position].saturating_duration_since(*at)).collect();
    for (what, took) in [("commit", &mut commits), ("hop", &mut hops)] {
        took.sort_unstable();
        let of = |part: f64| took[(took.len() as f64 * part) as usize].as_secs_f64() * 1e3;
        println!("{what}: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms", of(0.5), of(0.99), of(0.999));
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (url, nats) = (arguments.next().expect("a database"), arguments.next().expect("a NATS server"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(&url, &nats));
}
