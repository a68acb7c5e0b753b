//! Claims about a store that outlives its process: what was committed is there when it is opened again.
//!
//! Each case opens, drops and opens again the store at one path.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::run::{Run, drive};
use super::things::{all, append, at, batch, count, guard, key, pass, put, thing};
use crate::error::StoreError;
use crate::ports::{
    Announce, Announced, Batch, Change, EntryId, EntryQuery, Head, Order, Position, Stamp, Store,
};

/// Opens the store at a path and does something with it, then closes it.
fn with<S, O, F, T>(
    run: Run,
    open: &impl Fn(PathBuf) -> O,
    path: &Path,
    then: impl FnOnce(Arc<dyn Store>) -> F,
) -> T
where
    S: Store + 'static,
    O: Future<Output = S> + Send,
    F: Future<Output = T> + Send,
    T: Send,
{
    let store: Arc<dyn Store> = Arc::new(drive(run, open(path.to_owned())));
    drive(run, then(store))
}

async fn everything(store: Arc<dyn Store>) -> Vec<Announced> {
    store.announced(Position::default(), 100_000).await.unwrap()
}

fn texts(announced: &[Announced]) -> Vec<String> {
    announced.iter().map(|one| one.record.read::<super::Thing>().unwrap().text.clone()).collect()
}

pub fn records_counters_streams_and_revisions_survive<S: Store + 'static, O: Future<Output = S> + Send>(
    open: impl Fn(PathBuf) -> O,
    path: &Path,
    run: Run,
) {
    let before = with(run, &open, path, |store| async move {
        let changes = [put("a", "1"), put("b", "2"), put("gone", "x"), count("n", 7, None)];
        store.commit(batch(changes)).await.unwrap();
        let changes = [append("s", "1", 50), append("s", "2", 60), pass("s", "3", 70), append("t", "1", 5)];
        store.commit(batch(changes)).await.unwrap();
        let changes = [
            put("a", "3"),
            Change::Delete(key("gone")),
            Change::Replace { stream: key("s"), id: EntryId::from("1"), was: None, record: thing("new") },
        ];
        store.commit(batch(changes)).await.unwrap();
        store.get(&[key("a"), key("b"), key("gone")]).await.unwrap()
    });
    assert!(before[0].is_some() && before[2].is_none());
    for round in 0..2 {
        let before = before.clone();
        with(run, &open, path, |store| async move {
            assert_eq!(store.get(&[key("a"), key("b"), key("gone")]).await.unwrap(), before);
            assert_eq!(store.count(&key("n")).await.unwrap(), 7);
            let heads = store.heads(&[key("s"), key("t")]).await.unwrap();
            let s = Head { seq: 3 + round, last_kept: Some(at(60)) };
            assert_eq!(heads, [s, Head { seq: 1, last_kept: Some(at(5)) }]);
            let query = EntryQuery { order: Order::Descending, ..all("s") };
            let entries = store.entries(query).await.unwrap();
            assert_eq!(entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["2", "1"]);
            assert_eq!(entries[1].record, thing("new"));
            let next = store.commit(batch([pass("s", "x", 0)])).await.unwrap();
            assert_eq!(next.stamps, [Stamp { seq: 4 + round, at: at(70) }]);
            let taken = store.commit(batch([append("s", "1", 0)])).await;
            assert!(matches!(taken, Err(StoreError::Conflict)));
        });
    }
}

pub fn a_revision_does_not_come_again_after_opening<S: Store + 'static, O: Future<Output = S> + Send>(
    open: impl Fn(PathBuf) -> O,
    path: &Path,
    run: Run,
) {
    let seen = with(run, &open, path, |store| async move {
        store.commit(batch([put("a", "1")])).await.unwrap();
        let seen = store.get(&[key("a")]).await.unwrap()[0].as_ref().map(|found| found.revision);
        store.commit(batch([Change::Delete(key("a"))])).await.unwrap();
        seen
    });
    with(run, &open, path, |store| async move {
        store.commit(batch([put("a", "2")])).await.unwrap();
        let stale = Batch { guards: vec![guard("a", seen)], ..batch([put("a", "3")]) };
        assert!(matches!(store.commit(stale).await, Err(StoreError::Conflict)));
    });
}

pub fn what_is_not_settled_survives_and_positions_go_on<S: Store + 'static, O: Future<Output = S> + Send>(
    open: impl Fn(PathBuf) -> O,
    path: &Path,
    run: Run,
) {
    let event = |text: &str| Announce { subject: key("s"), record: thing(text) };
    let before = with(run, &open, path, |store| async move {
        let announce = vec![event("event 1")];
        store.commit(Batch { announce, ..batch([append("s", "1", 1), pass("s", "2", 2)]) }).await.unwrap();
        let announce = vec![event("event 2")];
        let changes = [
            append("s", "3", 3),
            Change::Remove { stream: key("s"), id: EntryId::from("3") },
            Change::Replace { stream: key("s"), id: EntryId::from("1"), was: None, record: thing("new") },
        ];
        store.commit(Batch { announce, ..batch(changes) }).await.unwrap();
        everything(store).await
    });
    assert_eq!(texts(&before), ["1", "2", "event 1", "3", "event 2"]);
    let third = before[2].position;
    with(run, &open, path, |store| async move {
        let after = everything(Arc::clone(&store)).await;
        let form = |all: &[Announced]| {
            all.iter()
                .map(|one| (one.position, one.subject.clone(), one.record.clone(), one.entry.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(form(&after), form(&before));
        assert_eq!(store.newest().await.unwrap(), before[4].position);
        store.settle(third).await.unwrap();
        store.commit(batch([put("a", "x")])).await.unwrap();
    });
    let last = with(run, &open, path, |store| async move {
        assert_eq!(store.settled().await.unwrap(), third);
        assert_eq!(texts(&store.announced(third, 10).await.unwrap()), ["3", "event 2"]);
        let last = store.commit(batch([append("s", "4", 4)])).await.unwrap().position;
        store.settle(last).await.unwrap();
        last
    });
    with(run, &open, path, |store| async move {
        assert_eq!((store.settled().await.unwrap(), store.newest().await.unwrap()), (last, last));
        let next = store.commit(batch([append("s", "5", 5)])).await.unwrap();
        assert!(next.position > last);
        assert_eq!(texts(&store.announced(last, 10).await.unwrap()), ["5"]);
    });
}
