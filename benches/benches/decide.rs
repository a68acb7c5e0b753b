//! One authorization decision: the goal is 200 ns.
#![expect(clippy::unwrap_used, reason = "a bench ends when its sample is bad")]

use std::hint::black_box;
use std::time::Duration;

use chime_benches::samples::Caller;
use criterion::{Criterion, criterion_group, criterion_main};

fn decide(criterion: &mut Criterion) {
    let caller = Caller::new().unwrap();
    assert!(caller.may_send());
    let mut group = criterion.benchmark_group("decide");
    group.bench_function("policy", |bench| bench.iter(|| black_box(&caller).by_policy()));
    group.bench_function("role", |bench| bench.iter(|| black_box(&caller).by_role()));
    group.bench_function("policy and role", |bench| bench.iter(|| black_box(&caller).may_send()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = decide
}
criterion_main!(benches);
