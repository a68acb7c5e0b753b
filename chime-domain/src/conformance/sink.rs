//! Claims about a sink. What arrived is read back by a [`Reader`] of the adapter's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::run::{Run, drive};
use crate::ports::{Position, Sink, SinkRecord};
use crate::text::Private;

/// Reads what arrived.
#[async_trait]
pub trait Reader: Send + Sync {
    /// A destination that exists and is empty.
    async fn destination(&self, name: &str) -> String;

    /// The texts that arrived, those of one key in the order of their arrival.
    async fn arrived(&self, destination: &str) -> Vec<Vec<u8>>;

    /// Makes the sink unable to take anything, or able again. False when the adapter cannot be brought to that.
    async fn set_down(&self, down: bool) -> bool;
}

type Subject = Arc<dyn Sink>;

/// A record whose text says what it is.
fn record(key: usize, position: u64, padding: usize) -> SinkRecord {
    let text = format!(r#"{{"Key":{key},"Position":{position},"Text":"é \" {}"}}"#, "x".repeat(padding));
    SinkRecord {
        key: format!("arn:aws:chime:us-east-1:123456789012:app-instance/a/channel/{key}").into(),
        data: Private(Bytes::from(text)),
        position: Position(position),
    }
}

/// Hands records over until all were taken.
async fn deliver(sink: &Subject, destination: &str, mut records: Vec<SinkRecord>) {
    let mut without_progress = 0;
    while !records.is_empty() {
        let taken = sink.put(destination, &records).await;
        assert!(taken.error.is_some() || !taken.taken.is_empty(), "nothing is taken, without an error");
        assert!(taken.taken.windows(2).all(|pair| pair[0] < pair[1]), "indices are in ascending order");
        without_progress = if taken.taken.is_empty() { without_progress + 1 } else { 0 };
        assert!(without_progress < 200, "nothing is taken: {:?}", taken.error);
        for index in &taken.taken {
            let earlier = (0..*index).filter(|other| records[*other].key == records[*index].key);
            let skipped: Vec<_> = earlier.filter(|other| !taken.taken.contains(other)).collect();
            assert!(skipped.is_empty(), "{index} was taken before {skipped:?} of its key");
        }
        for index in taken.taken.iter().rev() {
            records.remove(*index);
        }
    }
}

/// Each text's key and position, by the reader's order.
fn places(arrived: &[Vec<u8>]) -> Vec<(u64, u64)> {
    let place = |text: &Vec<u8>| {
        let value: serde_json::Value = serde_json::from_slice(text).unwrap();
        (value["Key"].as_u64().unwrap(), value["Position"].as_u64().unwrap())
    };
    arrived.iter().map(place).collect()
}

/// First arrivals are in order for each key, and nothing is missing.
fn complete(arrived: &[Vec<u8>], records: &[SinkRecord]) {
    let mut by_key: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (key, position) in places(arrived) {
        let of_key = by_key.entry(key).or_default();
        if !of_key.contains(&position) {
            of_key.push(position);
        }
    }
    for (key, positions) in &by_key {
        assert!(positions.is_sorted(), "key {key}: {positions:?}");
    }
    for record in records {
        assert!(arrived.iter().any(|text| text[..] == record.data.0[..]), "{:?} is missing", record.position);
    }
}

pub async fn what_is_taken_arrives_as_it_is_and_in_order_for_each_key(sink: Subject, reader: &dyn Reader) {
    let destination = reader.destination("order").await;
    sink.check(&destination).await.unwrap();
    let records: Vec<_> = (0..60).map(|n| record(n % 7, n as u64 + 1, n)).collect();
    for run in records.chunks(25) {
        deliver(&sink, &destination, run.to_vec()).await;
    }
    let arrived = reader.arrived(&destination).await;
    assert_eq!(arrived.len(), records.len());
    complete(&arrived, &records);
}

pub async fn a_record_handed_over_again_does_no_harm(sink: Subject, reader: &dyn Reader) {
    let destination = reader.destination("again").await;
    let records: Vec<_> = (1..=4).map(|n| record(1, n, 0)).collect();
    deliver(&sink, &destination, records.clone()).await;
    deliver(&sink, &destination, records[2..].to_vec()).await;
    let more = record(1, 5, 0);
    deliver(&sink, &destination, vec![more.clone()]).await;
    let arrived = reader.arrived(&destination).await;
    complete(&arrived, &[records, vec![more]].concat());
    assert!((5..=7).contains(&arrived.len()), "{}", arrived.len());
}

pub async fn a_record_of_nearly_a_mebibyte_arrives_whole(sink: Subject, reader: &dyn Reader) {
    let destination = reader.destination("large").await;
    let records: Vec<_> = (1..=3).map(|n| record(1, n, 1_040_000)).collect();
    deliver(&sink, &destination, records.clone()).await;
    complete(&reader.arrived(&destination).await, &records);
}

pub async fn a_run_of_more_than_a_thousand_arrives(sink: Subject, reader: &dyn Reader) {
    let destination = reader.destination("many").await;
    let records: Vec<_> = (0..1_200).map(|n| record(n % 300, n as u64 + 1, 10)).collect();
    deliver(&sink, &destination, records.clone()).await;
    complete(&reader.arrived(&destination).await, &records);
}

pub async fn destinations_are_apart(sink: Subject, reader: &dyn Reader) {
    let (one, other) = (reader.destination("one").await, reader.destination("other").await);
    deliver(&sink, &one, vec![record(1, 1, 0)]).await;
    deliver(&sink, &other, vec![record(1, 2, 0)]).await;
    assert_eq!(places(&reader.arrived(&one).await), [(1, 1)]);
    assert_eq!(places(&reader.arrived(&other).await), [(1, 2)]);
}

pub async fn what_was_refused_is_taken_once_the_sink_is_back(sink: Subject, reader: &dyn Reader) {
    let destination = reader.destination("down").await;
    let records: Vec<_> = (0..20).map(|n| record(n % 3, n as u64 + 1, 0)).collect();
    deliver(&sink, &destination, records[..10].to_vec()).await;
    if !reader.set_down(true).await {
        return;
    }
    let refused = sink.put(&destination, &records[10..]).await;
    assert!(refused.error.is_some(), "a sink that is down takes nothing silently");
    reader.set_down(false).await;
    let left = (10..20).filter(|n| !refused.taken.contains(&(n - 10))).map(|n| records[n].clone());
    deliver(&sink, &destination, left.collect()).await;
    complete(&reader.arrived(&destination).await, &records);
}

pub fn several_threads_may_hand_over(sink: Subject, reader: &dyn Reader, run: Run) {
    let destination = drive(run, reader.destination("threads"));
    let all: Vec<Vec<_>> =
        (0..4_usize).map(|key| (1..=30).map(|n| record(key, key as u64 * 100 + n, 0)).collect()).collect();
    std::thread::scope(|scope| {
        for records in &all {
            let (sink, destination) = (&sink, &destination);
            scope.spawn(move || drive(run, deliver(sink, destination, records.clone())));
        }
    });
    complete(&drive(run, reader.arrived(&destination)), &all.concat());
}
