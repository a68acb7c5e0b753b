//! Claims about a store's outbox.

use std::sync::Arc;

use super::run::{Run, drive};
use super::things::{append, at, batch, key, pass, put, thing};
use crate::ports::{Announce, Announced, Batch, Change, EntryId, Position, Stamp, Store};

type Subject = Arc<dyn Store>;

fn announce(subject: &str, text: &str) -> Announce {
    Announce { subject: key(subject), record: thing(text) }
}

fn said(announced: &[Announced]) -> Vec<String> {
    announced
        .iter()
        .map(|announced| {
            let text = announced.record.read::<super::Thing>().unwrap().text.clone();
            format!("{}:{text}", announced.subject)
        })
        .collect()
}

async fn all(store: &Subject) -> Vec<Announced> {
    store.announced(Position::default(), 100_000).await.unwrap()
}

pub async fn announcements_come_in_the_order_of_commits_appends_first(store: Subject) {
    store
        .commit(Batch {
            announce: vec![announce("x", "third"), announce("s", "fourth")],
            ..batch([append("s", "first", 1), put("a", "silent"), pass("s", "second", 2)])
        })
        .await
        .unwrap();
    store.commit(Batch { announce: vec![announce("y", "fifth")], ..Batch::default() }).await.unwrap();
    let all = all(&store).await;
    assert_eq!(said(&all), ["s:first", "s:second", "x:third", "s:fourth", "y:fifth"]);
    assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
}

pub async fn an_appended_entry_announces_its_id_place_and_moment(store: Subject) {
    let changes = [append("s", "a", 5), pass("s", "b", 3), append("t", "c", 1)];
    store.commit(Batch { announce: vec![announce("s", "event")], ..batch(changes) }).await.unwrap();
    let entries: Vec<_> = all(&store).await.into_iter().map(|announced| announced.entry).collect();
    let entry = |id: &str, seq, millis| Some((EntryId::from(id), Stamp { seq, at: at(millis) }));
    assert_eq!(entries, [entry("a", 1, 5), entry("b", 2, 5), entry("c", 1, 1), None]);
}

pub async fn a_commit_tells_the_position_of_its_last_announcement(store: Subject) {
    let first = store
        .commit(Batch { announce: vec![announce("x", "2")], ..batch([append("s", "1", 1)]) })
        .await
        .unwrap();
    assert_eq!(all(&store).await.last().unwrap().position, first.position);
    let silent = store.commit(batch([put("a", "1")])).await.unwrap();
    assert_eq!(silent.position, first.position);
    let second = store.commit(batch([append("s", "3", 1)])).await.unwrap();
    assert!(second.position > first.position);
    assert_eq!(store.newest().await.unwrap(), second.position);
}

pub async fn reading_goes_on_after_a_position_and_keeps_to_the_limit(store: Subject) {
    for n in 0..10 {
        let changes = [append("s", &n.to_string(), n)];
        store
            .commit(Batch { announce: vec![announce("x", &n.to_string())], ..batch(changes) })
            .await
            .unwrap();
    }
    let (mut position, mut seen) = (Position::default(), Vec::new());
    loop {
        let page = store.announced(position, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        position = last.position;
        seen.extend(said(&page));
    }
    let expected: Vec<_> = (0..10).flat_map(|n| [format!("s:{n}"), format!("x:{n}")]).collect();
    assert_eq!(seen, expected);
    assert_eq!(position, store.newest().await.unwrap());
    assert!(store.announced(position, 3).await.unwrap().is_empty());
    assert!(store.announced(Position::default(), 0).await.unwrap().is_empty());
}

pub async fn what_was_announced_does_not_change_with_its_entry(store: Subject) {
    store.commit(batch((0..4).map(|n| append("s", &n.to_string(), n)))).await.unwrap();
    store
        .commit(batch([
            Change::Replace { stream: key("s"), id: EntryId::from("0"), was: None, record: thing("new") },
            Change::Remove { stream: key("s"), id: EntryId::from("1") },
            Change::Trim { stream: key("s"), until: at(99), limit: 99 },
            Change::DropStream(key("s")),
        ]))
        .await
        .unwrap();
    assert_eq!(said(&all(&store).await), ["s:0", "s:1", "s:2", "s:3"]);
}

pub async fn what_is_not_settled_stays_and_settling_never_goes_back(store: Subject) {
    for n in 0..6 {
        store.commit(batch([append("s", &n.to_string(), n)])).await.unwrap();
    }
    let third = all(&store).await[2].position;
    store.settle(third).await.unwrap();
    assert_eq!(store.settled().await.unwrap(), third);
    assert_eq!(said(&store.announced(third, 10).await.unwrap()), ["s:3", "s:4", "s:5"]);
    let rest = all(&store).await;
    assert_eq!(said(&rest[rest.len() - 3..]), ["s:3", "s:4", "s:5"]);
    store.settle(Position::default()).await.unwrap();
    assert_eq!(store.settled().await.unwrap(), third);
    let next = store.commit(batch([append("s", "6", 6)])).await.unwrap();
    assert_eq!(store.newest().await.unwrap(), next.position);
    assert_eq!(said(&store.announced(third, 10).await.unwrap()), ["s:3", "s:4", "s:5", "s:6"]);
    store.settle(next.position).await.unwrap();
    assert!(store.announced(next.position, 10).await.unwrap().is_empty());
    let after = store.commit(batch([append("s", "7", 7)])).await.unwrap();
    assert!(after.position > next.position);
    assert_eq!(said(&store.announced(next.position, 10).await.unwrap()), ["s:7"]);
}

pub async fn waiting_for_what_is_there_ends_at_once(store: Subject) {
    store.commit(batch([append("s", "a", 1)])).await.unwrap();
    store.wait_past(Position::default()).await;
}

pub fn one_who_waits_is_woken_by_the_next_announcement(store: Subject, run: Run) {
    std::thread::scope(|scope| {
        let waiter = {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                drive(run, async {
                    let mut seen = Vec::new();
                    while seen.len() < 20 {
                        let last = seen.last().map_or(Position::default(), |last: &Announced| last.position);
                        store.wait_past(last).await;
                        seen.extend(store.announced(last, 7).await.unwrap());
                    }
                    said(&seen)
                })
            })
        };
        for n in 0..20 {
            drive(run, async { store.commit(batch([append("s", &n.to_string(), n)])).await.unwrap() });
            if n % 5 == 0 {
                std::thread::yield_now();
            }
        }
        let expected: Vec<_> = (0..20).map(|n| format!("s:{n}")).collect();
        assert_eq!(waiter.join().unwrap(), expected);
    });
}
