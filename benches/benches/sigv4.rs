//! One verification with a cached key, and with the authorization after it: the goal is 10 µs for both together.
#![expect(clippy::unwrap_used, reason = "a bench ends when its sample is bad")]

use std::hint::black_box;
use std::time::Duration;

use chime_benches::samples::{Caller, SignedSend};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn sigv4(criterion: &mut Criterion) {
    let caller = Caller::new().unwrap();
    let mut group = criterion.benchmark_group("sigv4");
    for length in [100, 500, 4000] {
        let send = SignedSend::new(length).unwrap();
        assert!(send.verifies());
        group.bench_function(BenchmarkId::new("verification", length), |bench| {
            bench.iter(|| black_box(&send).verifies());
        });
        group.bench_function(BenchmarkId::new("verification and authorization", length), |bench| {
            bench.iter(|| black_box(&send).verifies() && black_box(&caller).may_send());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = sigv4
}
criterion_main!(benches);
