//! Commits and reads per second of the stores on this machine.
//!
//! `cargo run --release -p chime-adapters --example commits [DIRECTORY]`
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that measures reads the time and prints"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chime_adapters::memory::MemoryStore;
use chime_adapters::sqlite::{Durability, SqliteConfig, SqliteStore};
use chime_domain::ports::{Append, Batch, Change, Entity, EntryId, Guard, Keep, Key, Record, Store};
use chime_domain::time::Timestamp;

const LASTING: Duration = Duration::from_secs(3);

#[derive(serde::Serialize, serde::Deserialize)]
struct Message {
    content: String,
}

impl Entity for Message {
    const NAME: &'static str = "message";
}

/// A guarded append of 500 bytes, as sending a message is.
async fn send(store: &dyn Store, stream: &Key, id: String, guard: &Guard) {
    let content = "x".repeat(500);
    let append = Append {
        stream: stream.clone(),
        id: EntryId::from(id),
        at: Timestamp::default(),
        record: Record::of(Message { content }),
        keep: Keep::Yes,
    };
    let changes = vec![Change::Append(append)];
    store.commit(Batch { guards: vec![guard.clone()], changes, announce: Vec::new() }).await.unwrap();
}

/// Runs `tasks` tasks for a while and gives how often they did `work` in a second.
async fn rate<F>(tasks: usize, work: impl Fn(usize, usize) -> F + Clone + Send + Sync + 'static) -> f64
where
    F: Future<Output = ()> + Send,
{
    let start = Instant::now();
    let mut running = Vec::new();
    for task in 0..tasks {
        let work = work.clone();
        running.push(tokio::spawn(async move {
            let mut done = 0;
            while start.elapsed() < LASTING {
                work(task, done).await;
                done += 1;
            }
            done
        }));
    }
    let mut done = 0;
    for task in running {
        done += task.await.unwrap();
    }
    done as f64 / start.elapsed().as_secs_f64()
}

async fn measure(name: &str, store: Arc<dyn Store>) {
    let (channel, stream) = (Key::new("channel", &["c"]), Key::new("messages", &["c"]));
    let record = Record::of(Message { content: "x".repeat(300) });
    let changes = vec![Change::Put(channel.clone(), record)];
    store.commit(Batch { changes, ..Batch::default() }).await.unwrap();
    let keys = [channel.clone(), Key::new("ban", &["c", "u"]), Key::new("channel", &["none"])];
    let found = store.get(&keys).await.unwrap();
    let revision = found.first().and_then(Option::as_ref).map(|found| found.revision);
    let guard = Guard { key: channel, revision };
    for tasks in [1, 16, 64, 256] {
        let (store, stream, guard) = (Arc::clone(&store), stream.clone(), guard.clone());
        let sends = rate(tasks, move |task, n| {
            let (store, stream, guard) = (Arc::clone(&store), stream.clone(), guard.clone());
            async move { send(&*store, &stream, format!("{tasks}-{task}-{n}"), &guard).await }
        })
        .await;
        println!("{name}: {tasks:>3} in flight: {sends:>9.0} commits/s");
    }
    let gets = rate(2, move |_, _| {
        let (store, keys) = (Arc::clone(&store), keys.clone());
        async move { drop(store.get(&keys).await.unwrap()) }
    })
    .await;
    println!("{name}:   2 in flight: {gets:>9.0} reads of 3 records/s");
}

fn main() {
    let directory = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        measure("memory", Arc::new(MemoryStore::new())).await;
        for (name, durability, cache) in [
            ("sqlite full", Durability::Full, 32 << 20),
            ("sqlite full, no cache", Durability::Full, 0),
            ("sqlite normal", Durability::Normal, 32 << 20),
        ] {
            let place = tempfile::tempdir_in(&directory).unwrap();
            let config = SqliteConfig::new(Path::join(place.path(), "chime.db"));
            let config = config.with_durability(durability).with_cache(cache);
            measure(name, Arc::new(SqliteStore::open(config).unwrap())).await;
        }
    });
}
