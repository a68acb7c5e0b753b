//! Claims about a store that one caller can check.

use std::sync::Arc;

use super::things::{append, at, batch, count, guard, key, pass, put, thing};
use crate::error::StoreError;
use crate::ports::{
    Announce, Batch, Change, Entry, EntryId, EntryQuery, Head, Key, Order, Position, Scan, Stamp, Store,
};
use crate::time::Timestamp;

type Subject = Arc<dyn Store>;

fn id(text: &str) -> EntryId {
    Arc::from(text)
}

fn all(stream: &str) -> EntryQuery {
    EntryQuery {
        stream: key(stream),
        not_before: Timestamp::MIN,
        not_after: Timestamp::MAX,
        behind: None,
        order: Order::Ascending,
        limit: 1000,
    }
}

async fn ids(store: &Subject, query: EntryQuery) -> Vec<String> {
    store.entries(query).await.unwrap().iter().map(|entry| entry.id.to_string()).collect()
}

async fn revision(store: &Subject, at: &str) -> Option<u64> {
    store.get(&[key(at)]).await.unwrap()[0].as_ref().map(|found| found.revision)
}

async fn scanned(store: &Subject, scan: Scan) -> Vec<String> {
    store.scan(scan).await.unwrap().into_iter().map(|(key, _)| key.to_string()).collect()
}

fn prefix(prefix: &str) -> Scan {
    Scan { prefix: prefix.to_owned(), after: None, before: None, limit: 1000 }
}

fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::Conflict)), "expected a conflict, got {result:?}");
}

pub async fn a_new_store_is_empty(store: Subject) {
    assert_eq!(store.get(&[key("a"), key("b")]).await.unwrap(), [None, None]);
    assert!(store.scan(prefix("")).await.unwrap().is_empty());
    assert_eq!(store.count(&key("n")).await.unwrap(), 0);
    assert_eq!(store.entry(&key("s"), &id("1")).await.unwrap(), None);
    assert!(store.entries(all("s")).await.unwrap().is_empty());
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head::default()]);
    assert_eq!(store.newest().await.unwrap(), Position::default());
    assert_eq!(store.settled().await.unwrap(), Position::default());
}

pub async fn get_answers_in_the_order_of_the_keys_also_for_absent_and_repeated_ones(store: Subject) {
    store.commit(batch([put("a", "1"), put("b", "2")])).await.unwrap();
    for _ in 0..2 {
        let found = store.get(&[key("b"), key("x"), key("a"), key("b")]).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.map(|found| found.record)).collect();
        assert_eq!(found, [Some(thing("2")), None, Some(thing("1")), Some(thing("2"))]);
    }
    assert!(store.get(&[]).await.unwrap().is_empty());
}

pub async fn a_commit_is_read_at_once(store: Subject) {
    for round in 0..50 {
        let text = round.to_string();
        store.commit(batch([put("a", &text), count("n", 1, None), append("s", &text, round)])).await.unwrap();
        assert_eq!(store.get(&[key("a")]).await.unwrap()[0].as_ref().unwrap().record, thing(&text));
        assert_eq!(store.count(&key("n")).await.unwrap(), round as u64 + 1);
        assert_eq!(store.entry(&key("s"), &id(&text)).await.unwrap().unwrap().record, thing(&text));
        assert_eq!(store.heads(&[key("s")]).await.unwrap()[0].seq, round as u64 + 1);
    }
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

pub async fn a_batch_refused_at_its_last_change_leaves_no_trace(store: Subject) {
    let start = batch([put("a", "1"), count("n", 1, None), append("s", "1", 10), append("s", "2", 20)]);
    store.commit(start).await.unwrap();
    let seen = revision(&store, "a").await;
    let before = store.newest().await.unwrap();
    let refusals = [
        count("full", 2, Some(1)),
        append("s", "2", 30),
        Change::Replace { stream: key("s"), id: id("none"), was: None, record: thing("x") },
    ];
    for refusal in refusals {
        let changes = [
            put("a", "2"),
            put("b", "1"),
            count("n", 5, None),
            append("s", "3", 99),
            append("t", "1", 99),
            Change::Replace { stream: key("s"), id: id("1"), was: None, record: thing("changed") },
            Change::Remove { stream: key("s"), id: id("2") },
            append("s", "2", 99),
            Change::Trim { stream: key("s"), until: at(10), limit: 9 },
        ];
        let announce = vec![Announce { subject: key("s"), record: thing("x") }];
        let batch = Batch { announce, ..batch(changes.into_iter().chain([refusal.clone()])) };
        assert!(store.commit(batch).await.is_err(), "{refusal:?} was not refused");
        assert_eq!(revision(&store, "a").await, seen);
        assert_eq!(revision(&store, "b").await, None);
        assert_eq!(store.count(&key("n")).await.unwrap(), 1);
        assert_eq!(ids(&store, all("s")).await, ["1", "2"]);
        assert_eq!(store.entry(&key("s"), &id("1")).await.unwrap().unwrap().record, thing("1"));
        let heads = store.heads(&[key("s"), key("t")]).await.unwrap();
        assert_eq!(heads, [Head { seq: 2, last_kept: Some(at(20)) }, Head::default()]);
        assert_eq!(store.newest().await.unwrap(), before);
        assert!(store.announced(before, 10).await.unwrap().is_empty());
    }
    let next = store.commit(batch([append("s", "3", 0), append("t", "1", 0)])).await.unwrap();
    assert_eq!(next.stamps, [Stamp { seq: 3, at: at(20) }, Stamp { seq: 1, at: at(0) }]);
}

pub async fn appended_entries_are_numbered_from_one_without_gaps(store: Subject) {
    let first =
        store.commit(batch([append("s", "a", 1), append("t", "a", 1), append("s", "b", 2)])).await.unwrap();
    let second = store.commit(batch([append("s", "c", 3)])).await.unwrap();
    let seqs = |stamps: &[Stamp]| stamps.iter().map(|stamp| stamp.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&first.stamps), [1, 1, 2]);
    assert_eq!(seqs(&second.stamps), [3]);
    assert_eq!(ids(&store, all("s")).await, ["a", "b", "c"]);
    assert_eq!(ids(&store, all("t")).await, ["a"]);
}

pub async fn an_entry_id_that_is_taken_is_a_conflict(store: Subject) {
    store.commit(batch([append("s", "a", 1), append("t", "b", 1)])).await.unwrap();
    refused(store.commit(batch([append("s", "a", 2)])).await);
    refused(store.commit(batch([pass("s", "a", 2)])).await);
    refused(store.commit(batch([append("s", "c", 2), append("s", "c", 2)])).await);
    store.commit(batch([append("s", "b", 2)])).await.unwrap();
    assert_eq!(ids(&store, all("s")).await, ["a", "b"]);
    store
        .commit(batch([Change::Remove { stream: key("s"), id: id("a") }, append("s", "a", 3)]))
        .await
        .unwrap();
    assert_eq!(ids(&store, all("s")).await, ["b", "a"]);
}

pub async fn an_entry_that_is_not_kept_takes_its_place_but_is_not_found(store: Subject) {
    store.commit(batch([append("s", "a", 1)])).await.unwrap();
    let passed = store.commit(batch([pass("s", "b", 5)])).await.unwrap();
    assert_eq!(passed.stamps, [Stamp { seq: 2, at: at(5) }]);
    assert_eq!(store.entry(&key("s"), &id("b")).await.unwrap(), None);
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head { seq: 2, last_kept: Some(at(1)) }]);
    let next = store.commit(batch([append("s", "b", 2)])).await.unwrap();
    assert_eq!(next.stamps, [Stamp { seq: 3, at: at(5) }]);
    assert_eq!(ids(&store, all("s")).await, ["a", "b"]);
}

pub async fn a_moment_before_the_last_entry_is_lifted_to_it(store: Subject) {
    let done = store
        .commit(batch([
            append("s", "a", 50),
            append("s", "b", 40),
            append("t", "c", 10),
            append("s", "d", 60),
        ]))
        .await
        .unwrap();
    let moments: Vec<_> = done.stamps.iter().map(|stamp| stamp.at).collect();
    assert_eq!(moments, [at(50), at(50), at(10), at(60)]);
    let done = store.commit(batch([append("s", "e", 0)])).await.unwrap();
    assert_eq!(done.stamps[0].at, at(60));
    assert_eq!(store.entry(&key("s"), &id("e")).await.unwrap().unwrap().stamp.at, at(60));
}

pub async fn replacing_an_entry_keeps_its_place_and_moment(store: Subject) {
    store.commit(batch([append("s", "a", 1), append("s", "b", 2)])).await.unwrap();
    let change = Change::Replace { stream: key("s"), id: id("a"), was: None, record: thing("new") };
    store.commit(batch([change])).await.unwrap();
    let entry = Entry { id: id("a"), stamp: Stamp { seq: 1, at: at(1) }, record: thing("new") };
    assert_eq!(store.entry(&key("s"), &id("a")).await.unwrap(), Some(entry.clone()));
    assert_eq!(store.entries(all("s")).await.unwrap()[0], entry);
}

pub async fn replacing_an_entry_that_is_not_there_is_a_conflict(store: Subject) {
    store.commit(batch([append("s", "a", 1), pass("s", "p", 1)])).await.unwrap();
    for (stream, entry) in [("s", "b"), ("t", "a"), ("s", "p")] {
        refused(
            store
                .commit(batch([Change::Replace {
                    stream: key(stream),
                    id: id(entry),
                    was: None,
                    record: thing("x"),
                }]))
                .await,
        );
    }
}

pub async fn replacing_an_entry_that_moved_since_it_was_read_is_a_conflict(store: Subject) {
    store.commit(batch([append("s", "a", 1)])).await.unwrap();
    let entry = store.entry(&key("s"), &id("a")).await.unwrap().unwrap();
    let change = |was: crate::ports::Record, text| Change::Replace {
        stream: key("s"),
        id: id("a"),
        was: Some(was),
        record: thing(text),
    };
    store.commit(batch([change(entry.record.clone(), "first")])).await.unwrap();
    refused(store.commit(batch([change(entry.record, "second")])).await);
    assert_eq!(store.entry(&key("s"), &id("a")).await.unwrap().unwrap().record, thing("first"));
}

pub async fn a_removed_entry_is_gone_and_its_place_stays_empty(store: Subject) {
    store.commit(batch([append("s", "a", 1), append("s", "b", 2), append("s", "c", 3)])).await.unwrap();
    let remove = |entry: &str| Change::Remove { stream: key("s"), id: id(entry) };
    store.commit(batch([remove("b"), remove("none")])).await.unwrap();
    store.commit(batch([Change::Remove { stream: key("none"), id: id("a") }])).await.unwrap();
    assert_eq!(ids(&store, all("s")).await, ["a", "c"]);
    assert_eq!(store.entry(&key("s"), &id("b")).await.unwrap(), None);
    store.commit(batch([remove("c")])).await.unwrap();
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head { seq: 3, last_kept: Some(at(3)) }]);
    assert_eq!(store.commit(batch([append("s", "d", 4)])).await.unwrap().stamps[0].seq, 4);
}

pub async fn trim_removes_the_oldest_up_to_a_moment_and_a_limit(store: Subject) {
    store.commit(batch((1..=6).map(|n| append("s", &n.to_string(), n * 10)))).await.unwrap();
    let trim = |until, limit| batch([Change::Trim { stream: key("s"), until: at(until), limit }]);
    assert_eq!(store.commit(trim(9, 10)).await.unwrap().trimmed, 0);
    assert_eq!(store.commit(trim(40, 3)).await.unwrap().trimmed, 3);
    assert_eq!(ids(&store, all("s")).await, ["4", "5", "6"]);
    assert_eq!(store.commit(trim(40, 3)).await.unwrap().trimmed, 1);
    assert_eq!(store.commit(trim(40, 3)).await.unwrap().trimmed, 0);
    assert_eq!(store.commit(trim(1000, 0)).await.unwrap().trimmed, 0);
    assert_eq!(ids(&store, all("s")).await, ["5", "6"]);
    assert_eq!(store.commit(batch([append("s", "7", 70)])).await.unwrap().stamps[0].seq, 7);
    let both = batch([
        append("s", "8", 80),
        Change::Trim { stream: key("s"), until: at(80), limit: 9 },
        Change::Trim { stream: key("none"), until: at(80), limit: 9 },
        append("s", "5", 90),
    ]);
    assert_eq!(store.commit(both).await.unwrap().trimmed, 4);
    assert_eq!(ids(&store, all("s")).await, ["5"]);
}

pub async fn a_stream_is_forgotten_only_once_it_is_empty(store: Subject) {
    store.commit(batch([append("s", "a", 5), append("t", "a", 5)])).await.unwrap();
    store.commit(batch([Change::DropStream(key("s")), Change::DropStream(key("none"))])).await.unwrap();
    assert_eq!(store.heads(&[key("s")]).await.unwrap()[0].seq, 1);
    let end = [Change::Remove { stream: key("s"), id: id("a") }, Change::DropStream(key("s"))];
    store.commit(batch(end)).await.unwrap();
    let heads = store.heads(&[key("s"), key("t")]).await.unwrap();
    assert_eq!(heads, [Head::default(), Head { seq: 1, last_kept: Some(at(5)) }]);
    let anew = store.commit(batch([append("s", "a", 1)])).await.unwrap();
    assert_eq!(anew.stamps, [Stamp { seq: 1, at: at(1) }]);
}

pub async fn a_stream_dropped_and_refused_in_one_batch_is_still_there(store: Subject) {
    store.commit(batch([append("s", "a", 5), append("s", "b", 6)])).await.unwrap();
    refused(
        store
            .commit(batch([
                Change::Trim { stream: key("s"), until: at(9), limit: 9 },
                Change::DropStream(key("s")),
                append("s", "a", 1),
                Change::Replace { stream: key("s"), id: id("none"), was: None, record: thing("x") },
            ]))
            .await,
    );
    assert_eq!(ids(&store, all("s")).await, ["a", "b"]);
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head { seq: 2, last_kept: Some(at(6)) }]);
}

pub async fn heads_answer_in_the_order_of_the_streams(store: Subject) {
    store.commit(batch([append("s", "a", 5), append("t", "a", 7), pass("t", "b", 9)])).await.unwrap();
    let heads = store.heads(&[key("t"), key("none"), key("s"), key("t")]).await.unwrap();
    let t = Head { seq: 2, last_kept: Some(at(7)) };
    assert_eq!(heads, [t, Head::default(), Head { seq: 1, last_kept: Some(at(5)) }, t]);
}

pub async fn time_bounds_are_inclusive(store: Subject) {
    let moments = [10, 20, 20, 20, 30, 40];
    let changes = moments.iter().enumerate().map(|(n, millis)| append("s", &n.to_string(), *millis));
    store.commit(batch(changes)).await.unwrap();
    let cases: &[(i64, i64, &[&str])] = &[
        (10, 40, &["0", "1", "2", "3", "4", "5"]),
        (20, 20, &["1", "2", "3"]),
        (11, 39, &["1", "2", "3", "4"]),
        (21, 29, &[]),
        (41, 99, &[]),
        (0, 9, &[]),
        (40, 10, &[]),
        (30, 99, &["4", "5"]),
    ];
    for (not_before, not_after, expected) in cases {
        for order in [Order::Ascending, Order::Descending] {
            let query =
                EntryQuery { not_before: at(*not_before), not_after: at(*not_after), order, ..all("s") };
            let mut found = ids(&store, query).await;
            if order == Order::Descending {
                found.reverse();
            }
            assert_eq!(&found, expected, "{not_before}..={not_after} {order:?}");
        }
    }
}

pub async fn paging_visits_each_entry_once_in_both_orders_while_new_ones_come(store: Subject) {
    for n in 0..10 {
        store.commit(batch([append("s", &n.to_string(), n / 3)])).await.unwrap();
    }
    store.commit(batch([Change::Remove { stream: key("s"), id: id("4") }])).await.unwrap();
    for order in [Order::Ascending, Order::Descending] {
        let limit = 2;
        let mut query = EntryQuery { order, limit, not_after: at(3), ..all("s") };
        let mut seen = Vec::new();
        loop {
            let page = store.entries(query.clone()).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            query.behind = Some(last.stamp.seq);
            seen.extend(page.iter().map(|entry| entry.id.to_string()));
            store.commit(batch([append("s", &format!("{order:?}{}", seen.len()), 100)])).await.unwrap();
        }
        if order == Order::Descending {
            seen.reverse();
        }
        assert_eq!(seen, ["0", "1", "2", "3", "5", "6", "7", "8", "9"]);
    }
}

pub async fn a_page_goes_on_behind_an_entry_that_was_removed(store: Subject) {
    store.commit(batch((0..5).map(|n| append("s", &n.to_string(), n)))).await.unwrap();
    store.commit(batch([Change::Remove { stream: key("s"), id: id("2") }])).await.unwrap();
    let behind = |order| EntryQuery { behind: Some(3), order, ..all("s") };
    assert_eq!(ids(&store, behind(Order::Ascending)).await, ["3", "4"]);
    assert_eq!(ids(&store, behind(Order::Descending)).await, ["1", "0"]);
    let none = EntryQuery { limit: 0, ..all("s") };
    assert!(ids(&store, none).await.is_empty());
    for (behind, order) in [(5, Order::Ascending), (1, Order::Descending), (0, Order::Descending)] {
        let query = EntryQuery { behind: Some(behind), order, ..all("s") };
        assert!(ids(&store, query).await.is_empty(), "behind {behind} {order:?}");
    }
}

pub async fn awkward_text_is_kept_as_it_is(store: Subject) {
    let texts = [
        "",
        "'; DROP TABLE record; --",
        "\u{0}",
        "é\u{301}",
        "e\u{301}\u{301}",
        "\u{10ffff}",
        "a\nb",
        "%_\\",
    ];
    for text in texts {
        let at = format!("odd/{text}");
        let changes = [put(&at, text), append(&at, text, 1), count(&at, 3, None)];
        store.commit(batch(changes)).await.unwrap();
    }
    for text in texts {
        let at = key(&format!("odd/{text}"));
        assert_eq!(
            store.get(std::slice::from_ref(&at)).await.unwrap()[0].as_ref().unwrap().record,
            thing(text)
        );
        assert_eq!(store.entry(&at, &id(text)).await.unwrap().unwrap().id, id(text));
        assert_eq!(store.count(&at).await.unwrap(), 3);
    }
    assert_eq!(scanned(&store, prefix("odd/")).await.len(), texts.len());
}

pub async fn a_large_record_comes_back_whole(store: Subject) {
    let text = "x".repeat(300_000);
    store.commit(batch([put("large", &text)])).await.unwrap();
    assert_eq!(store.get(&[key("large")]).await.unwrap()[0].as_ref().unwrap().record, thing(&text));
}

pub async fn a_batch_of_many_changes_is_one(store: Subject) {
    let many = (0..2000).map(|n| put(&format!("many/{n:04}"), "x"));
    store.commit(batch(many)).await.unwrap();
    let scan = Scan { limit: 5000, ..prefix("many/") };
    assert_eq!(store.scan(scan).await.unwrap().len(), 2000);
    let keys: Vec<Key> = (0..2000).map(|n| key(&format!("many/{n:04}"))).collect();
    assert!(store.get(&keys).await.unwrap().iter().all(Option::is_some));
}

pub async fn an_empty_batch_does_nothing_but_check_its_guards(store: Subject) {
    store.commit(batch([append("s", "a", 1)])).await.unwrap();
    let newest = store.newest().await.unwrap();
    assert_eq!(store.commit(Batch::default()).await.unwrap().position, newest);
    refused(store.commit(Batch { guards: vec![guard("a", Some(1))], ..Batch::default() }).await);
}
