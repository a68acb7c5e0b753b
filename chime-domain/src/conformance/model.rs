//! Random commands against a store and against a naive model of it: both give the same answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Thing;
use super::things::{Dice, at, guard, key, thing};
use crate::error::StoreError;
use crate::ports::{
    Announce, Append, Batch, Change, EntryId, EntryQuery, Guard, Keep, Order, Position, Record, Revision,
    Scan, Store,
};
use crate::time::Timestamp;

const SEEDS: u64 = 8;
const BATCHES: u64 = 120;

/// The model: lists, searched from end to end.
#[derive(Clone, Default)]
struct Model {
    records: BTreeMap<String, String>,
    /// Revisions as the store gave them; the model does not prescribe numbers.
    revisions: BTreeMap<String, Revision>,
    counters: BTreeMap<String, u64>,
    streams: BTreeMap<String, Stream>,
    announced: Vec<(String, String)>,
}

#[derive(Clone, Default)]
struct Stream {
    seq: u64,
    last: Option<Timestamp>,
    last_kept: Option<Timestamp>,
    entries: Vec<(String, u64, Timestamp, String)>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    stamps: Vec<(u64, Timestamp)>,
    trimmed: usize,
}

/// Why a batch may be refused; when several reasons apply, a store may give any of them.
#[derive(Debug, Default)]
struct Refused {
    conflict: bool,
    limit: bool,
}

fn text(record: &Record) -> String {
    record.read::<Thing>().unwrap().text.clone()
}

impl Model {
    fn commit(&mut self, batch: &Batch) -> Result<Outcome, Refused> {
        let mut next = self.clone();
        let (mut refused, mut outcome) = (Refused::default(), Outcome::default());
        for Guard { key, revision } in &batch.guards {
            refused.conflict |= self.revisions.get(key.as_str()) != revision.as_ref();
        }
        for change in &batch.changes {
            next.apply(change, &mut outcome, &mut refused);
        }
        if refused.conflict || refused.limit {
            return Err(refused);
        }
        for announce in &batch.announce {
            next.announced.push((announce.subject.to_string(), text(&announce.record)));
        }
        *self = next;
        Ok(outcome)
    }

    fn apply(&mut self, change: &Change, outcome: &mut Outcome, refused: &mut Refused) {
        match change {
            Change::Put(key, record) => drop(self.records.insert(key.to_string(), text(record))),
            Change::Delete(key) => drop(self.records.remove(key.as_str())),
            Change::Count { counter, by, at_most } => {
                let value = self.counters.entry(counter.to_string()).or_default();
                *value = value.saturating_add_signed(*by);
                refused.limit |= at_most.is_some_and(|limit| *value > limit);
            }
            Change::Append(append) => {
                let stream = self.streams.entry(append.stream.to_string()).or_default();
                refused.conflict |= stream.entries.iter().any(|entry| entry.0 == *append.id);
                stream.seq += 1;
                let moment = stream.last.map_or(append.at, |last| last.max(append.at));
                stream.last = Some(moment);
                if append.keep == Keep::Yes {
                    stream.last_kept = Some(moment);
                }
                if append.keep != Keep::No {
                    stream.entries.push((append.id.to_string(), stream.seq, moment, text(&append.record)));
                }
                outcome.stamps.push((stream.seq, moment));
                self.announced.push((append.stream.to_string(), text(&append.record)));
            }
            Change::Replace { stream, id, was, record } => {
                let stream = self.streams.get_mut(stream.as_str());
                let entry = stream.and_then(|stream| stream.entries.iter_mut().find(|entry| entry.0 == **id));
                match entry {
                    Some(entry) if was.as_ref().is_none_or(|was| text(was) == entry.3) => {
                        entry.3 = text(record)
                    }
                    _ => refused.conflict = true,
                }
            }
            Change::Remove { stream, id } => {
                if let Some(stream) = self.streams.get_mut(stream.as_str()) {
                    stream.entries.retain(|entry| entry.0 != **id);
                }
            }
            Change::Trim { stream, until, limit } => {
                if let Some(stream) = self.streams.get_mut(stream.as_str()) {
                    let due = stream.entries.iter().filter(|entry| entry.2 <= *until).count().min(*limit);
                    stream.entries.drain(..due);
                    outcome.trimmed += due;
                }
            }
            Change::DropStream(stream) => {
                if self.streams.get(stream.as_str()).is_some_and(|stream| stream.entries.is_empty()) {
                    self.streams.remove(stream.as_str());
                }
            }
        }
    }
}

/// Few names, so that commands meet.
fn name(dice: &mut Dice, kind: &str) -> String {
    match dice.below(3) {
        0 => format!("{kind}/{}", dice.below(4)),
        1 => format!("{kind}/{}/{}", dice.below(3), dice.below(3)),
        _ => format!("{kind}{}", dice.below(3)),
    }
}

fn change(dice: &mut Dice, model: &Model) -> Change {
    let stream = key(&format!("stream/{}", dice.below(3)));
    let id: EntryId = dice.below(25).to_string().into();
    let record = thing(&dice.throw().to_string());
    match dice.below(14) {
        0..=2 => Change::Put(key(&name(dice, "record")), record),
        3 => Change::Delete(key(&name(dice, "record"))),
        4 | 5 => Change::Count {
            counter: key(&format!("counter/{}", dice.below(3))),
            by: i64::try_from(dice.below(7)).unwrap() - 3,
            at_most: (!dice.once_in(3)).then_some(9),
        },
        6..=9 => {
            let at = at(i64::try_from(dice.below(50)).unwrap());
            let keep = match dice.below(5) {
                0 => Keep::No,
                1 => Keep::Aside,
                _ => Keep::Yes,
            };
            Change::Append(Append { stream, id, at, record, keep })
        }
        10 => {
            let entries = model.streams.get(stream.as_str()).map_or(&[][..], |stream| &stream.entries);
            let known = entries.iter().find(|entry| entry.0 == *id).map(|entry| thing(&entry.3));
            // Now and then it holds something else than what was read.
            let was = if dice.once_in(4) { Some(thing("another")) } else { known };
            Change::Replace { stream, id, was, record }
        }
        11 => Change::Remove { stream, id },
        12 => Change::Trim {
            stream,
            until: at(i64::try_from(dice.below(60)).unwrap()),
            limit: usize::try_from(dice.below(4)).unwrap(),
        },
        _ => Change::DropStream(stream),
    }
}

fn guards(dice: &mut Dice, model: &Model) -> Vec<Guard> {
    let mut guards = Vec::new();
    for _ in 0..dice.below(3) {
        let at = name(dice, "record");
        let revision = model.revisions.get(&at).copied();
        // Now and then a guard that does not hold.
        let revision = if dice.once_in(10) { revision.map_or(Some(1), |_| None) } else { revision };
        guards.push(guard(&at, revision));
    }
    guards
}

fn random_batch(dice: &mut Dice, model: &Model) -> Batch {
    let guards = guards(dice, model);
    let changes = (0..=dice.below(4)).map(|_| change(dice, model)).collect();
    let announce = (0..dice.below(3))
        .map(|n| Announce { subject: key(&format!("stream/{n}")), record: thing(&dice.throw().to_string()) })
        .collect();
    Batch { guards, changes, announce }
}

/// Follows the store's revisions: they changed for what was written, and for nothing else.
async fn follow_revisions(store: &Arc<dyn Store>, model: &mut Model, committed: Option<&Batch>) {
    let written = |at: &str| {
        committed.into_iter().flat_map(|batch| &batch.changes).any(|change| match change {
            Change::Put(key, _) | Change::Delete(key) => key.as_str() == at,
            _ => false,
        })
    };
    let scan = Scan { prefix: "record".to_owned(), after: None, before: None, limit: 10_000 };
    let found: BTreeMap<String, Revision> = store
        .scan(scan)
        .await
        .unwrap()
        .into_iter()
        .map(|(key, found)| (key.to_string(), found.revision))
        .collect();
    for (at, revision) in &found {
        match model.revisions.get(at) {
            Some(before) if written(at) => assert!(revision > before, "the revision of {at} did not grow"),
            Some(before) => assert_eq!(revision, before, "the revision of {at} changed"),
            None => {}
        }
    }
    model.revisions = found;
}

async fn compare(store: &Arc<dyn Store>, model: &Model, dice: &mut Dice) {
    let limit = usize::try_from(dice.below(12)).unwrap();
    let prefix =
        ["", "record", "record/", "record/1", "record/1/", "r", "x"][dice.below(7) as usize].to_owned();
    let after = dice.once_in(2).then(|| name(dice, "record"));
    let before = dice.once_in(3).then(|| name(dice, "record"));
    let expected: Vec<_> = model
        .records
        .iter()
        .filter(|(at, _)| at.starts_with(&prefix))
        .filter(|(at, _)| after.as_ref().is_none_or(|after| *at > after))
        .filter(|(at, _)| before.as_ref().is_none_or(|before| *at < before))
        .take(limit)
        .map(|(at, text)| (at.clone(), text.clone()))
        .collect();
    let scan = Scan { prefix, after: after.as_deref().map(key), before, limit };
    let found = store.scan(scan.clone()).await.unwrap();
    let found: Vec<_> = found.iter().map(|(key, found)| (key.to_string(), text(&found.record))).collect();
    assert_eq!(found, expected, "{scan:?}");

    let names: Vec<String> = (0..4).map(|_| name(dice, "record")).collect();
    let keys: Vec<_> = names.iter().map(|at| key(at)).collect();
    let found = store.get(&keys).await.unwrap();
    let found: Vec<_> = found.iter().map(|found| found.as_ref().map(|found| text(&found.record))).collect();
    let expected: Vec<_> = names.iter().map(|at| model.records.get(at).cloned()).collect();
    assert_eq!(found, expected, "{keys:?}");

    for n in 0..3 {
        let counter = format!("counter/{n}");
        let expected = model.counters.get(&counter).copied().unwrap_or_default();
        assert_eq!(store.count(&key(&counter)).await.unwrap(), expected, "{counter}");
        compare_stream(store, model, &format!("stream/{n}"), dice).await;
    }
}

async fn compare_stream(store: &Arc<dyn Store>, model: &Model, stream: &str, dice: &mut Dice) {
    let none = Stream::default();
    let expected = model.streams.get(stream).unwrap_or(&none);
    let head = store.heads(&[key(stream)]).await.unwrap()[0];
    assert_eq!((head.seq, head.last_kept), (expected.seq, expected.last_kept), "head of {stream}");

    let query = EntryQuery {
        stream: key(stream),
        not_before: if dice.once_in(2) { at(dice.below(60) as i64) } else { Timestamp::MIN },
        not_after: if dice.once_in(2) { at(dice.below(60) as i64) } else { Timestamp::MAX },
        behind: dice.once_in(2).then(|| dice.below(expected.seq + 3)),
        order: if dice.once_in(2) { Order::Ascending } else { Order::Descending },
        limit: usize::try_from(dice.below(9)).unwrap(),
    };
    let mut entries: Vec<_> = expected
        .entries
        .iter()
        .filter(|entry| query.not_before <= entry.2 && entry.2 <= query.not_after)
        .filter(|entry| match (query.behind, query.order) {
            (None, _) => true,
            (Some(behind), Order::Ascending) => entry.1 > behind,
            (Some(behind), Order::Descending) => entry.1 < behind,
        })
        .cloned()
        .collect();
    if query.order == Order::Descending {
        entries.reverse();
    }
    entries.truncate(query.limit);
    let found = store.entries(query.clone()).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|entry| (entry.id.to_string(), entry.stamp.seq, entry.stamp.at, text(&entry.record)))
        .collect();
    assert_eq!(found, entries, "{query:?}");

    let id: EntryId = dice.below(25).to_string().into();
    let found =
        store.entry(&key(stream), &id).await.unwrap().map(|entry| (entry.stamp.seq, text(&entry.record)));
    let expected = expected.entries.iter().find(|entry| entry.0 == *id);
    assert_eq!(found, expected.map(|entry| (entry.1, entry.3.clone())), "entry {id} of {stream}");
}

async fn compare_outbox(store: &Arc<dyn Store>, model: &Model, since: Position) {
    let announced = store.announced(since, 1_000_000).await.unwrap();
    let found: Vec<_> =
        announced.iter().map(|announced| (announced.subject.to_string(), text(&announced.record))).collect();
    assert_eq!(found, model.announced);
}

async fn play(store: &Arc<dyn Store>, seed: u64, since: Position) {
    let mut dice = Dice::new(seed);
    let mut model = Model::default();
    for _ in 0..BATCHES {
        let batch = random_batch(&mut dice, &model);
        let expected = model.commit(&batch);
        let found = store.commit(batch.clone()).await;
        let committed = found.is_ok().then_some(&batch);
        match (expected, found) {
            (Ok(expected), Ok(found)) => {
                let stamps = found.stamps.iter().map(|stamp| (stamp.seq, stamp.at)).collect();
                assert_eq!(Outcome { stamps, trimmed: found.trimmed }, expected, "{batch:?}");
            }
            (Err(Refused { conflict: true, .. }), Err(StoreError::Conflict)) => {}
            (Err(Refused { limit: true, .. }), Err(StoreError::LimitReached { .. })) => {}
            (expected, found) => panic!("expected {expected:?}, got {found:?} for {batch:?}"),
        }
        follow_revisions(store, &mut model, committed).await;
        compare(store, &model, &mut dice).await;
    }
    compare_outbox(store, &model, since).await;
}

/// Empties what [`play`] wrote, so that the next seed starts over in the same store.
async fn clear(store: &Arc<dyn Store>) {
    let scan = Scan { prefix: String::new(), after: None, before: None, limit: 10_000 };
    let mut changes: Vec<_> =
        store.scan(scan).await.unwrap().into_iter().map(|(key, _)| Change::Delete(key)).collect();
    for n in 0..3 {
        let stream = key(&format!("stream/{n}"));
        changes.push(Change::Count { counter: key(&format!("counter/{n}")), by: -1000, at_most: None });
        changes.push(Change::Trim { stream: stream.clone(), until: Timestamp::MAX, limit: 10_000 });
        changes.push(Change::DropStream(stream));
    }
    store.commit(Batch { changes, ..Batch::default() }).await.unwrap();
}

pub async fn random_commands_give_the_same_answers_as_a_model(store: Arc<dyn Store>) {
    struct Told(u64);
    impl Drop for Told {
        #[expect(clippy::print_stderr, reason = "the seed repeats the failure")]
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the commands of seed {} failed", self.0);
            }
        }
    }

    // One store for all seeds: opening a durable one takes longer than a game.
    let mut since = Position::default();
    for seed in 0..SEEDS {
        let _told = Told(seed);
        play(&store, seed, since).await;
        clear(&store).await;
        since = store.newest().await.unwrap();
    }
}
