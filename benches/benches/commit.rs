//! One commit of a message, for each store, with several commits in flight at once.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench reads the time and ends when its sample is bad"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chime_adapters::memory::MemoryStore;
use chime_adapters::sqlite::Durability;
use chime_benches::load::raw::{Log, sqlite};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn commit(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let place = tempfile::tempdir().unwrap();
    let open = |durability| Arc::new(sqlite(place.path(), durability).unwrap());
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(10).throughput(Throughput::Elements(1));
    for (name, log) in [
        ("memory", Log::new(Arc::new(MemoryStore::new()))),
        ("sqlite normal", Log::new(open(Durability::Normal))),
        ("sqlite full", Log::new(open(Durability::Full))),
    ] {
        let log = Arc::new(runtime.block_on(log).unwrap());
        for in_flight in [1, 16, 64] {
            group.bench_function(BenchmarkId::new(name, in_flight), |bench| {
                bench.to_async(&runtime).iter_custom(|commits| {
                    let log = Arc::clone(&log);
                    async move { timed(&log, in_flight, commits).await }
                });
            });
        }
    }
    group.finish();
}

/// How long `commits` commits take, `in_flight` at a time.
async fn timed(log: &Arc<Log>, in_flight: u64, commits: u64) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|task| {
            let log = Arc::clone(log);
            let share = commits / in_flight + u64::from(task < commits % in_flight);
            tokio::spawn(async move {
                for _ in 0..share {
                    log.append().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed()
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = commit
}
criterion_main!(benches);
