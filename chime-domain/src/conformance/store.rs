//! Claims about a store that concern all it keeps.

use std::sync::Arc;

use super::things::{
    all, append, at, batch, count, guard, id, ids, key, prefix, put, refused, revision, scanned, thing,
};
use crate::error::StoreError;
use crate::ports::{Announce, Batch, Change, Head, Key, Position, Scan, Stamp, Store};

type Subject = Arc<dyn Store>;

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

pub async fn a_patient_commit_is_a_commit(store: Subject) {
    for round in 0..20 {
        let text = round.to_string();
        let patient = batch([put("a", &text), append("s", &text, round)]);
        let done = store.commit_patiently(patient).await.unwrap();
        assert_eq!(done.stamps[0].seq, round as u64 + 1);
        store.commit(batch([count("n", 1, None)])).await.unwrap();
        assert_eq!(store.get(&[key("a")]).await.unwrap()[0].as_ref().unwrap().record, thing(&text));
    }
    assert_eq!(store.count(&key("n")).await.unwrap(), 20);
    let stale = Batch { guards: vec![guard("a", None)], ..batch([put("a", "x")]) };
    assert!(matches!(store.commit_patiently(stale).await, Err(StoreError::Conflict)));
    assert_eq!(store.get(&[key("a")]).await.unwrap()[0].as_ref().unwrap().record, thing("19"));
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
