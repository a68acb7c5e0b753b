//! Commits and reads per second of the Postgres store, and beside them what the database itself gives.
//!
//! `cargo run --release -p chime-adapters --features postgres --example postgres_commits postgres://…`, on a database of
//! its own; `scripts/bench-postgres.sh` starts one.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program that measures reads the time and prints"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chime_adapters::postgres::{PostgresConfig, PostgresStore, Wire};
use chime_domain::ports::{Append, Batch, Change, Entity, EntryId, Guard, Keep, Key, Outbox, Record, Store};
use chime_domain::time::Timestamp;
use tokio_postgres::{Client, NoTls};

const LASTING: Duration = Duration::from_secs(4);
const CHANNELS: usize = 100;
const CONNECTIONS: usize = 4;
const ROWS: usize = 100;

#[derive(serde::Serialize, serde::Deserialize)]
struct Message {
    content: String,
}

impl Entity for Message {
    const NAME: &'static str = "message";
}

/// Runs `tasks` tasks for a while; how often they did `work` in a second, and the 50th and 99th percentile of how long it
/// took.
async fn rate<F>(
    tasks: usize,
    work: impl Fn(usize, usize) -> F + Clone + Send + Sync + 'static,
) -> (f64, Duration, Duration)
where
    F: Future<Output = ()> + Send,
{
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for task in 0..tasks {
        let work = work.clone();
        running.spawn(async move {
            let mut took = Vec::new();
            while start.elapsed() < LASTING {
                let before = Instant::now();
                work(task, took.len()).await;
                took.push(before.elapsed());
            }
            took
        });
    }
    let mut took: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    let rate = took.len() as f64 / start.elapsed().as_secs_f64();
    took.sort_unstable();
    (rate, took[took.len() / 2], took[took.len() * 99 / 100])
}

fn told(what: &str, (rate, middle, high): (f64, Duration, Duration), each: usize) {
    let rate = rate * each as f64;
    println!(
        "{what}: {rate:>9.0}/s, p50 {:.1} ms, p99 {:.1} ms",
        middle.as_secs_f64() * 1e3,
        high.as_secs_f64() * 1e3
    );
}

async fn connect(url: &str) -> Arc<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    Arc::new(client)
}

/// What the database gives without us: single rows, and batches of rows.
async fn raw(url: &str) {
    let clients = futures_util::future::join_all((0..CONNECTIONS).map(|_| connect(url))).await;
    let table = "CREATE TABLE raw (id bigserial PRIMARY KEY, channel bigint NOT NULL, body bytea NOT NULL)";
    clients[0].batch_execute(table).await.unwrap();
    let body = vec![b'x'; 500];
    for (rows, name) in [(1, "single rows"), (ROWS, "batches of 100 rows")] {
        let (clients, body) = (clients.clone(), body.clone());
        let insert = |client: Arc<Client>| async move {
            client
                .prepare("INSERT INTO raw (channel, body) SELECT * FROM unnest($1::bigint[], $2::bytea[])")
                .await
                .unwrap()
        };
        let statements = futures_util::future::join_all(clients.iter().cloned().map(insert)).await;
        let done = rate(CONNECTIONS, move |task, n| {
            let (client, statement) = (Arc::clone(&clients[task]), statements[task].clone());
            let (channels, bodies) = (vec![n as i64; rows], vec![body.clone(); rows]);
            async move {
                let _ = client.execute(&statement, &[&channels, &bodies]).await.unwrap();
            }
        })
        .await;
        told(&format!("the database alone, {CONNECTIONS} connections, {name}"), done, rows);
    }
}

async fn store(url: &str) {
    let config = PostgresConfig::new(url).unwrap().with_committers(CONNECTIONS).with_wire(Wire::Alone);
    let store = Arc::new(PostgresStore::open(config.with_queue(16_384)).await.unwrap());
    let record = || Record::of(Message { content: "x".repeat(300) });
    let channel = |n: usize| Key::new("channel", &[&n.to_string()]);
    let changes = (0..CHANNELS).map(|n| Change::Put(channel(n), record())).collect();
    store.commit(Batch { changes, ..Batch::default() }).await.unwrap();
    let keys: Vec<Key> = (0..CHANNELS).map(channel).collect();
    let found = store.get(&keys).await.unwrap();
    let guards: Vec<Guard> = found
        .iter()
        .zip(keys)
        .map(|(found, key)| Guard { key, revision: found.as_ref().map(|found| found.revision) })
        .collect();
    let guards = Arc::new(guards);
    // The relay's part: what was carried on may be forgotten.
    let relay = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut cursor = store.settled().await.unwrap();
            loop {
                store.wait_past(cursor).await;
                if let Some(last) = store.announced(cursor, 512).await.unwrap().last() {
                    cursor = last.position;
                    store.settle(cursor).await.unwrap();
                }
            }
        })
    };
    for tasks in [1, 16, 64, 256, 1024, 4096] {
        let (store, guards) = (Arc::clone(&store), Arc::clone(&guards));
        let done = rate(tasks, move |task, n| {
            let (store, guard) = (Arc::clone(&store), guards[(task + n) % CHANNELS].clone());
            async move {
                let append = Append {
                    stream: Key::new("messages", &[guard.key.last()]),
                    id: EntryId::from(format!("{tasks}-{task}-{n}")),
                    at: Timestamp::default(),
                    record: Record::of(Message { content: "x".repeat(500) }),
                    keep: Keep::Yes,
                };
                let changes = vec![Change::Append(append)];
                store.commit(Batch { guards: vec![guard], changes, announce: Vec::new() }).await.unwrap();
            }
        })
        .await;
        told(&format!("guarded appends to {CHANNELS} streams, {tasks:>4} in flight"), done, 1);
    }
    relay.abort();
    let keys = [channel(1), Key::new("ban", &["c", "u"]), channel(2)];
    let done = rate(16, move |_, _| {
        let (store, keys) = (Arc::clone(&store), keys.clone());
        async move { drop(store.get(&keys).await.unwrap()) }
    })
    .await;
    told("reads of 3 records, 16 in flight", done, 1);
}

fn main() {
    let url = std::env::args().nth(1).expect("the URL of a database");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        raw(&url).await;
        store(&url).await;
    });
}
