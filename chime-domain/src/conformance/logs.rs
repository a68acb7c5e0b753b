//! Claims about logs.

use std::sync::Arc;

use super::things::{all, append, aside, at, batch, id, ids, key, pass, refused, thing};
use crate::ports::{Change, Entry, EntryQuery, Head, Order, Record, Stamp, Store};

type Subject = Arc<dyn Store>;

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

pub async fn an_entry_that_is_kept_aside_is_found_and_leaves_the_last_moment(store: Subject) {
    store.commit(batch([aside("s", "a", 1)])).await.unwrap();
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head { seq: 1, last_kept: None }]);
    store.commit(batch([append("s", "b", 2), aside("s", "c", 5)])).await.unwrap();
    assert_eq!(ids(&store, all("s")).await, ["a", "b", "c"]);
    assert_eq!(store.entry(&key("s"), &id("c")).await.unwrap().unwrap().stamp.at, at(5));
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head { seq: 3, last_kept: Some(at(2)) }]);
    refused(store.commit(batch([aside("s", "a", 6)])).await);
    store.commit(batch([append("s", "d", 3)])).await.unwrap();
    assert_eq!(store.heads(&[key("s")]).await.unwrap(), [Head { seq: 4, last_kept: Some(at(5)) }]);
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
    let change = |was: Record, text| Change::Replace {
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
