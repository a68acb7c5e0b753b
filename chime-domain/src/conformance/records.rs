//! Claims about records, guards and counters.

use std::sync::Arc;

use super::things::{append, batch, count, guard, key, prefix, put, refused, revision, scanned, thing};
use crate::error::StoreError;
use crate::ports::{Announce, Batch, Change, Head, Scan, Store};

type Subject = Arc<dyn Store>;

pub async fn get_answers_in_the_order_of_the_keys_also_for_absent_and_repeated_ones(store: Subject) {
    store.commit(batch([put("a", "1"), put("b", "2")])).await.unwrap();
    for _ in 0..2 {
        let found = store.get(&[key("b"), key("x"), key("a"), key("b")]).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.map(|found| found.record)).collect();
        assert_eq!(found, [Some(thing("2")), None, Some(thing("1")), Some(thing("2"))]);
    }
    assert!(store.get(&[]).await.unwrap().is_empty());
}

pub async fn scan_gives_what_begins_with_the_prefix_in_the_order_of_bytes(store: Subject) {
    let keys = ["a", "a/b", "a/b/c", "a/bc", "a/b\u{10ffff}", "a/b\u{10ffff}x", "a/c", "a/é", "a0", "b/b"];
    store.commit(batch(keys.iter().rev().map(|at| put(at, at)))).await.unwrap();
    let mut sorted: Vec<&str> = keys.to_vec();
    sorted.sort_unstable();
    assert_eq!(scanned(&store, prefix("")).await, sorted);
    assert_eq!(
        scanned(&store, prefix("a/b")).await,
        ["a/b", "a/b/c", "a/bc", "a/b\u{10ffff}", "a/b\u{10ffff}x",]
    );
    assert_eq!(scanned(&store, prefix("a/b\u{10ffff}")).await, ["a/b\u{10ffff}", "a/b\u{10ffff}x"]);
    assert_eq!(scanned(&store, Scan::below(&key("a/b"), 10)).await, ["a/b/c"]);
    assert_eq!(scanned(&store, prefix("a/é")).await, ["a/é"]);
    assert!(scanned(&store, prefix("A")).await.is_empty());
}

pub async fn scan_takes_nothing_special_in_a_prefix(store: Subject) {
    store.commit(batch([put("x%", "1"), put("xy", "2"), put("x_", "3"), put("x*", "4")])).await.unwrap();
    assert_eq!(scanned(&store, prefix("x%")).await, ["x%"]);
    assert_eq!(scanned(&store, prefix("x_")).await, ["x_"]);
    assert_eq!(scanned(&store, prefix("x*")).await, ["x*"]);
}

pub async fn scan_keeps_to_after_before_and_limit(store: Subject) {
    store.commit(batch((0..6).map(|n| put(&format!("k/{n}"), "x")))).await.unwrap();
    let scan = |after: Option<&str>, before: Option<&str>, limit| Scan {
        prefix: "k/".to_owned(),
        after: after.map(key),
        before: before.map(str::to_owned),
        limit,
    };
    assert_eq!(scanned(&store, scan(Some("k/1"), None, 2)).await, ["k/2", "k/3"]);
    assert_eq!(scanned(&store, scan(Some("k/1"), Some("k/3"), 9)).await, ["k/2"]);
    assert_eq!(scanned(&store, scan(None, Some("k/2"), 9)).await, ["k/0", "k/1"]);
    assert_eq!(scanned(&store, scan(Some("a"), Some("z"), 9)).await.len(), 6);
    assert_eq!(scanned(&store, scan(Some("k/33"), None, 1)).await, ["k/4"]);
    assert!(scanned(&store, scan(None, None, 0)).await.is_empty());
    assert!(scanned(&store, scan(Some("k/5"), None, 9)).await.is_empty());
    assert!(scanned(&store, scan(Some("z"), None, 9)).await.is_empty());
    assert!(scanned(&store, scan(None, Some("a"), 9)).await.is_empty());
}

pub async fn every_write_of_a_record_raises_its_revision(store: Subject) {
    store.commit(batch([put("a", "1")])).await.unwrap();
    let first = revision(&store, "a").await.unwrap();
    store.commit(batch([put("a", "1")])).await.unwrap();
    let second = revision(&store, "a").await.unwrap();
    assert!(second > first);
    store.commit(batch([put("b", "1")])).await.unwrap();
    assert_eq!(revision(&store, "a").await, Some(second));
}

pub async fn a_record_made_anew_never_has_an_earlier_revision(store: Subject) {
    store.commit(batch([put("a", "1")])).await.unwrap();
    let first = revision(&store, "a").await.unwrap();
    store.commit(batch([Change::Delete(key("a"))])).await.unwrap();
    assert_eq!(revision(&store, "a").await, None);
    store.commit(batch([put("a", "1")])).await.unwrap();
    assert!(revision(&store, "a").await.unwrap() > first);
}

pub async fn a_guard_that_holds_lets_the_batch_pass(store: Subject) {
    store.commit(Batch { guards: vec![guard("a", None)], ..batch([put("a", "1")]) }).await.unwrap();
    let seen = revision(&store, "a").await;
    store
        .commit(Batch { guards: vec![guard("a", seen), guard("b", None)], ..batch([put("a", "2")]) })
        .await
        .unwrap();
    assert!(revision(&store, "a").await > seen);
}

pub async fn a_guard_that_moved_writes_nothing(store: Subject) {
    store.commit(batch([put("a", "1"), put("gone", "1")])).await.unwrap();
    let (seen, gone) = (revision(&store, "a").await, revision(&store, "gone").await);
    store.commit(batch([put("a", "2"), Change::Delete(key("gone"))])).await.unwrap();
    let now = revision(&store, "a").await;
    for failing in [guard("a", seen), guard("a", None), guard("gone", gone), guard("never", Some(1))] {
        let before = store.newest().await.unwrap();
        refused(
            store
                .commit(Batch {
                    guards: vec![guard("a", now), failing],
                    announce: vec![Announce { subject: key("s"), record: thing("x") }],
                    ..batch([put("a", "3"), put("new", "1"), count("n", 1, None), append("s", "1", 0)])
                })
                .await,
        );
        assert_eq!(revision(&store, "a").await, now);
        assert_eq!(revision(&store, "new").await, None);
        assert_eq!(store.count(&key("n")).await.unwrap(), 0);
        assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head::default()]);
        assert_eq!(store.newest().await.unwrap(), before);
    }
}

pub async fn guards_see_the_state_before_the_changes_of_their_batch(store: Subject) {
    store
        .commit(Batch { guards: vec![guard("a", None)], ..batch([put("a", "1"), put("a", "2")]) })
        .await
        .unwrap();
    assert_eq!(store.get(&[key("a")]).await.unwrap()[0].as_ref().unwrap().record, thing("2"));
}

pub async fn changes_of_one_record_take_effect_in_order(store: Subject) {
    store
        .commit(batch([put("a", "1"), Change::Delete(key("a")), put("b", "1"), put("b", "2")]))
        .await
        .unwrap();
    let found = store.get(&[key("a"), key("b")]).await.unwrap();
    assert_eq!(found[0], None);
    assert_eq!(found[1].as_ref().unwrap().record, thing("2"));
}

pub async fn deleting_what_is_not_there_does_nothing(store: Subject) {
    store.commit(batch([Change::Delete(key("a"))])).await.unwrap();
    assert_eq!(revision(&store, "a").await, None);
}

pub async fn a_counter_reaches_its_limit_and_not_one_more(store: Subject) {
    store.commit(batch([count("n", 2, Some(3))])).await.unwrap();
    store.commit(batch([count("n", 1, Some(3))])).await.unwrap();
    let over = store.commit(batch([count("n", 1, Some(3))])).await;
    let Err(StoreError::LimitReached { counter, limit }) = over else {
        panic!("expected the limit, got {over:?}")
    };
    assert_eq!((counter.as_str(), limit), ("n", 3));
    assert_eq!(store.count(&key("n")).await.unwrap(), 3);
    store.commit(batch([count("n", -1, Some(3))])).await.unwrap();
    store.commit(batch([count("n", 1, Some(3))])).await.unwrap();
    store.commit(batch([count("n", 1, None)])).await.unwrap();
    assert_eq!(store.count(&key("n")).await.unwrap(), 4);
}

pub async fn a_counter_counts_every_change_of_one_batch(store: Subject) {
    store.commit(batch([count("n", 1, Some(2)), count("n", 1, Some(2))])).await.unwrap();
    assert!(store.commit(batch([count("m", 1, Some(1)), count("m", 1, Some(1))])).await.is_err());
    assert_eq!(store.count(&key("n")).await.unwrap(), 2);
    assert_eq!(store.count(&key("m")).await.unwrap(), 0);
}

pub async fn a_counter_never_goes_below_zero(store: Subject) {
    store.commit(batch([count("n", 1, None)])).await.unwrap();
    store.commit(batch([count("n", -5, None)])).await.unwrap();
    assert_eq!(store.count(&key("n")).await.unwrap(), 0);
    store.commit(batch([count("n", 1, Some(1))])).await.unwrap();
    assert_eq!(store.count(&key("n")).await.unwrap(), 1);
}
