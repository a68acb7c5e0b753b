//! Batches that take effect one after the other, in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announce, Append, Batch, Change, Committed, EntryId, Guard, Keep, Key, Position, Record, Revision, Stamp,
};
use chime_domain::time::Timestamp;

use super::facts::{Facts, StreamRow};

/// An announcement that has no position yet.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) subject: Key,
    pub(super) record: Record,
    pub(super) entry: Option<(EntryId, Stamp)>,
}

/// What becomes of a record.
#[derive(Clone, Debug, Default)]
pub(super) enum Fate {
    /// It stays as it is, or away.
    #[default]
    Stays,
    Put(Record),
    Deleted,
}

/// An entry of a stream, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: EntryId,
    pub(super) at: Timestamp,
    /// It was there before the group.
    pub(super) stored: bool,
    pub(super) removed: bool,
    /// What it holds from now on; of a stored one that does not change, nothing.
    pub(super) new: Option<Record>,
    /// What a stored one holds, if somebody compares it.
    was: Option<Record>,
}

/// A stream in its time between two droppings.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Its row before the group.
    pub(super) stored: Option<StreamRow>,
    pub(super) now: Option<StreamRow>,
    pub(super) slots: BTreeMap<u64, Slot>,
    /// Places of the entries that are there.
    ids: HashMap<EntryId, u64>,
}

/// The state that the group makes.
#[derive(Debug, Default)]
pub(super) struct State {
    facts: Facts,
    /// Ids for streams that are made.
    ids: Range<i64>,
    pub(super) records: HashMap<Key, Fate>,
    pub(super) counters: HashMap<Key, u64>,
    pub(super) streams: HashMap<Key, Stream>,
    pub(super) dropped: Vec<Stream>,
    pub(super) announced: Vec<Draft>,
    /// Records whose absence or revision a batch that passed has relied on.
    relied: HashSet<Key>,
    undo: Vec<Undo>,
}

/// How to take back one change.
#[derive(Debug)]
enum Undo {
    Record(Key, Option<Fate>),
    Counter(Key, Option<u64>),
    Head(Key, Option<StreamRow>),
    Appended(Key, u64),
    Replaced(Key, u64, Option<Record>),
    Removed(Key, u64),
    Dropped(Key),
}

const CONFLICT: StoreError = StoreError::Conflict;

impl State {
    /// The state before the group. `ids` are enough for every stream that it names.
    pub(super) fn new(mut facts: Facts, ids: Range<i64>) -> Self {
        let mut streams = HashMap::new();
        for (key, row) in &facts.streams {
            let mut stream = Stream { stored: Some(*row), now: Some(*row), ..Stream::default() };
            for known in facts.entries.remove(key).unwrap_or_default() {
                stream.ids.insert(known.id.clone(), known.seq);
                let slot = stream.slots.entry(known.seq).or_insert_with(|| Slot {
                    id: known.id,
                    at: known.at,
                    stored: true,
                    removed: false,
                    new: None,
                    was: None,
                });
                // One that is named and among the oldest is given twice, once without what it holds.
                slot.was = slot.was.take().or(known.body);
            }
            streams.insert(key.clone(), stream);
        }
        Self { facts, ids, streams, ..Self::default() }
    }

    /// Lets a batch take effect, or leaves no trace of it. The position it gives counts from the group's first.
    pub(super) fn apply(&mut self, batch: &Batch) -> Result<Committed, StoreError> {
        for guard in &batch.guards {
            if !self.holds(guard) {
                return Err(CONFLICT);
            }
        }
        self.undo.clear();
        let announced = self.announced.len();
        let mut done = Committed::default();
        for change in &batch.changes {
            if let Err(refused) = self.change(change, &mut done) {
                self.take_back();
                self.announced.truncate(announced);
                return Err(refused);
            }
        }
        for Announce { subject, record } in &batch.announce {
            self.announced.push(Draft { subject: subject.clone(), record: record.clone(), entry: None });
        }
        self.relied.extend(batch.guards.iter().map(|guard| guard.key.clone()));
        done.position = Position(self.announced.len() as u64);
        Ok(done)
    }

    /// Ids that no stream has taken.
    pub(super) fn ids(&self) -> Range<i64> {
        self.ids.clone()
    }

    /// The revision of a record before the group.
    pub(super) fn stored(&self, key: &Key) -> Option<Revision> {
        self.facts.records.get(key).copied()
    }

    /// True when a counter was there before the group.
    pub(super) fn has_counter(&self, key: &Key) -> bool {
        self.facts.counters.contains_key(key)
    }

    /// Records that must still be at their revision when the transaction ends: those that were relied on and are
    /// neither locked nor made by it.
    pub(super) fn unlocked(&self) -> impl Iterator<Item = (&Key, Option<Revision>)> {
        self.relied.iter().map(|key| (key, self.stored(key))).filter(|(key, stored)| {
            match (self.records.get(key), stored) {
                // It is made, and the index of keys admits one only.
                (Some(Fate::Put(_)), None) => false,
                // It was locked when it was read.
                (Some(_), Some(_)) => false,
                _ => true,
            }
        })
    }

    fn holds(&self, guard: &Guard) -> bool {
        match self.records.get(&guard.key) {
            // Nobody can have read it yet.
            Some(Fate::Put(_)) => false,
            Some(Fate::Deleted) => guard.revision.is_none(),
            Some(Fate::Stays) | None => self.stored(&guard.key) == guard.revision,
        }
    }

    fn change(&mut self, change: &Change, done: &mut Committed) -> Result<(), StoreError> {
        match change {
            Change::Put(key, record) => self.set(key, Fate::Put(record.clone())),
            Change::Delete(key) => self.set(key, Fate::Deleted),
            Change::Count { counter, by, at_most } => self.count(counter, *by, *at_most)?,
            Change::Append(append) => self.append(append, done)?,
            Change::Replace { stream, id, was, record } => {
                let found = self.streams.get_mut(stream).ok_or(CONFLICT)?;
                let seq = *found.ids.get(id).ok_or(CONFLICT)?;
                let slot = found.slots.get_mut(&seq).ok_or(CONFLICT)?;
                if let Some(was) = was
                    && slot.new.as_ref().or(slot.was.as_ref()) != Some(was)
                {
                    return Err(CONFLICT);
                }
                let old = slot.new.replace(record.clone());
                self.undo.push(Undo::Replaced(stream.clone(), seq, old));
            }
            Change::Remove { stream, id } => {
                let seq = self.streams.get(stream).and_then(|found| found.ids.get(id).copied());
                if let Some(seq) = seq {
                    self.remove(stream, seq);
                }
            }
            Change::Trim { stream, until, limit } => {
                let due: Vec<u64> = self.streams.get(stream).map_or_else(Vec::new, |found| {
                    let there = found.slots.iter().filter(|(_, slot)| !slot.removed);
                    there
                        .take_while(|(_, slot)| slot.at <= *until)
                        .take(*limit)
                        .map(|(seq, _)| *seq)
                        .collect()
                });
                done.trimmed += due.len();
                for seq in due {
                    self.remove(stream, seq);
                }
            }
            Change::DropStream(stream) => {
                let empty = self.streams.get(stream).is_some_and(|found| found.ids.is_empty());
                if let Some(found) = empty.then(|| self.streams.remove(stream)).flatten() {
                    self.dropped.push(found);
                    self.undo.push(Undo::Dropped(stream.clone()));
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &Key, fate: Fate) {
        let old = self.records.insert(key.clone(), fate);
        self.undo.push(Undo::Record(key.clone(), old));
    }

    fn count(&mut self, counter: &Key, by: i64, at_most: Option<u64>) -> Result<(), StoreError> {
        let old = self.counters.get(counter).copied();
        let before = old.or_else(|| self.facts.counters.get(counter).copied()).unwrap_or_default();
        let value = before.saturating_add_signed(by);
        if let Some(limit) = at_most.filter(|limit| value > *limit) {
            return Err(StoreError::LimitReached { counter: counter.to_string(), limit });
        }
        self.counters.insert(counter.clone(), value);
        self.undo.push(Undo::Counter(counter.clone(), old));
        Ok(())
    }

    fn append(&mut self, append: &Append, done: &mut Committed) -> Result<(), StoreError> {
        let Append { stream: key, id, at, record, keep } = append;
        let stream = self.streams.entry(key.clone()).or_default();
        if stream.ids.contains_key(id) {
            return Err(CONFLICT);
        }
        let before = stream.now;
        let mut row = match before {
            Some(row) => row,
            None => {
                let id = self.ids.next().ok_or_else(|| StoreError::Unavailable {
                    reason: "too many streams are made at once".into(),
                    source: None,
                })?;
                StreamRow { id, seq: 0, at: *at, last_kept: None }
            }
        };
        row.seq += 1;
        row.at = row.at.max(*at);
        let stamp = Stamp { seq: row.seq, at: row.at };
        self.undo.push(Undo::Head(key.clone(), before));
        if *keep == Keep::Yes {
            row.last_kept = Some(row.at);
        }
        if *keep != Keep::No {
            let slot = Slot {
                id: id.clone(),
                at: row.at,
                stored: false,
                removed: false,
                new: Some(record.clone()),
                was: None,
            };
            stream.slots.insert(row.seq, slot);
            stream.ids.insert(id.clone(), row.seq);
            self.undo.push(Undo::Appended(key.clone(), row.seq));
        }
        stream.now = Some(row);
        done.stamps.push(stamp);
        self.announced.push(Draft {
            subject: key.clone(),
            record: record.clone(),
            entry: Some((id.clone(), stamp)),
        });
        Ok(())
    }

    fn remove(&mut self, key: &Key, seq: u64) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if let Some(slot) = stream.slots.get_mut(&seq) {
            slot.removed = true;
            stream.ids.remove(&slot.id);
            self.undo.push(Undo::Removed(key.clone(), seq));
        }
    }

    fn take_back(&mut self) {
        for step in std::mem::take(&mut self.undo).into_iter().rev() {
            match step {
                Undo::Record(key, Some(old)) => drop(self.records.insert(key, old)),
                Undo::Record(key, None) => drop(self.records.remove(&key)),
                Undo::Counter(key, Some(old)) => drop(self.counters.insert(key, old)),
                Undo::Counter(key, None) => drop(self.counters.remove(&key)),
                Undo::Head(key, old) => self.stream(&key, |stream| stream.now = old),
                Undo::Appended(key, seq) => self.stream(&key, |stream| {
                    if let Some(slot) = stream.slots.remove(&seq) {
                        stream.ids.remove(&slot.id);
                    }
                }),
                Undo::Replaced(key, seq, old) => self.stream(&key, |stream| {
                    if let Some(slot) = stream.slots.get_mut(&seq) {
                        slot.new = old;
                    }
                }),
                Undo::Removed(key, seq) => self.stream(&key, |stream| {
                    if let Some(slot) = stream.slots.get_mut(&seq) {
                        slot.removed = false;
                        stream.ids.insert(slot.id.clone(), seq);
                    }
                }),
                Undo::Dropped(key) => {
                    if let Some(stream) = self.dropped.pop() {
                        self.streams.insert(key, stream);
                    }
                }
            }
        }
    }

    fn stream(&mut self, key: &Key, act: impl FnOnce(&mut Stream)) {
        if let Some(stream) = self.streams.get_mut(key) {
            act(stream);
        }
    }
}
