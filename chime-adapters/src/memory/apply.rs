//! One batch against the tables, with an undo journal so that a refused batch leaves no trace.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announce, Announced, Append, Batch, Change, Committed, Entry, EntryId, Head, Keep, Key, Position,
    Revision, Stamp, Versioned,
};
use chime_domain::time::Timestamp;

/// Carried-on announcements that are kept for readers who fell a little behind.
const RETAINED: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) records: BTreeMap<Key, Versioned>,
    pub(super) counters: HashMap<Key, u64>,
    pub(super) streams: HashMap<Key, Stream>,
    pub(super) outbox: VecDeque<Announced>,
    pub(super) newest: Position,
    pub(super) settled: Position,
    /// Writes so far; gives revisions that never repeat.
    writes: Revision,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) head: Head,
    /// Moment of the last entry, kept or not.
    last: Option<Timestamp>,
    pub(super) entries: BTreeMap<u64, Entry>,
    pub(super) ids: HashMap<EntryId, u64>,
}

/// How to take back one change.
enum Undo {
    Record(Key, Option<Versioned>),
    Counter(Key, Option<u64>),
    /// Head and last moment of a stream; `None` when it did not exist.
    Head(Key, Option<(Head, Option<Timestamp>)>),
    Appended(Key, u64),
    Replaced(Key, Entry),
    Removed(Key, Entry),
}

#[derive(Default)]
struct Work {
    undo: Vec<Undo>,
    /// What the appended entries announce; positions are given when the batch has passed.
    announced: Vec<Announced>,
    done: Committed,
}

impl Tables {
    /// Makes every change of the batch or none.
    pub(super) fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        for guard in &batch.guards {
            if self.records.get(&guard.key).map(|found| found.revision) != guard.revision {
                return Err(StoreError::Conflict);
            }
        }
        let mut work = Work::default();
        for change in batch.changes {
            if let Err(error) = self.apply(change, &mut work) {
                self.take_back(work.undo);
                return Err(error);
            }
        }
        let beside = batch.announce.into_iter().map(|Announce { subject, record }| {
            let position = Position::default();
            Announced { position, subject, record, entry: None }
        });
        for announced in work.announced.into_iter().chain(beside) {
            self.newest = Position(self.newest.0 + 1);
            self.outbox.push_back(Announced { position: self.newest, ..announced });
        }
        self.forget();
        Ok(Committed { position: self.newest, ..work.done })
    }

    /// Forgets what was carried on, but for the newest [`RETAINED`].
    pub(super) fn forget(&mut self) {
        while self.outbox.len() > RETAINED
            && self.outbox.front().is_some_and(|oldest| oldest.position <= self.settled)
        {
            self.outbox.pop_front();
        }
    }

    fn apply(&mut self, change: Change, work: &mut Work) -> Result<(), StoreError> {
        match change {
            Change::Put(key, record) => {
                self.writes += 1;
                let new = Versioned { revision: self.writes, record };
                let old = self.records.insert(key.clone(), new);
                work.undo.push(Undo::Record(key, old));
            }
            Change::Delete(key) => {
                if let Some(old) = self.records.remove(&key) {
                    work.undo.push(Undo::Record(key, Some(old)));
                }
            }
            Change::Count { counter, by, at_most } => self.add(counter, by, at_most, work)?,
            Change::Append(append) => self.append(append, work)?,
            Change::Replace { stream, id, was, record } => {
                let entry = self.entry_mut(&stream, &id).ok_or(StoreError::Conflict)?;
                if was.is_some_and(|was| was != entry.record) {
                    return Err(StoreError::Conflict);
                }
                let new = Entry { record, ..entry.clone() };
                let old = std::mem::replace(entry, new);
                work.undo.push(Undo::Replaced(stream, old));
            }
            Change::Remove { stream, id } => {
                let seq = self.streams.get(&stream).and_then(|found| found.ids.get(&id).copied());
                if let Some(seq) = seq {
                    self.remove(&stream, seq, work);
                }
            }
            Change::Trim { stream, until, limit } => {
                let due: Vec<u64> = self.streams.get(&stream).map_or_else(Vec::new, |found| {
                    let old = found.entries.values().take_while(|entry| entry.stamp.at <= until);
                    old.take(limit).map(|entry| entry.stamp.seq).collect()
                });
                work.done.trimmed += due.len();
                for seq in due {
                    self.remove(&stream, seq, work);
                }
            }
            Change::DropStream(stream) => {
                if let Some(found) = self.streams.get(&stream).filter(|found| found.entries.is_empty()) {
                    let old = (found.head, found.last);
                    self.streams.remove(&stream);
                    work.undo.push(Undo::Head(stream, Some(old)));
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        counter: Key,
        by: i64,
        at_most: Option<u64>,
        work: &mut Work,
    ) -> Result<(), StoreError> {
        let old = self.counters.get(&counter).copied();
        let new = old.unwrap_or_default().saturating_add_signed(by);
        if let Some(limit) = at_most.filter(|limit| new > *limit) {
            return Err(StoreError::LimitReached { counter: counter.to_string(), limit });
        }
        // One at zero is as if it had never been.
        match new {
            0 => drop(self.counters.remove(&counter)),
            _ => drop(self.counters.insert(counter.clone(), new)),
        }
        work.undo.push(Undo::Counter(counter, old));
        Ok(())
    }

    fn append(&mut self, append: Append, work: &mut Work) -> Result<(), StoreError> {
        let Append { stream: key, id, at, record, keep } = append;
        let before = self.streams.get(&key).map(|found| (found.head, found.last));
        let stream = self.streams.entry(key.clone()).or_default();
        if stream.ids.contains_key(&id) {
            return Err(StoreError::Conflict);
        }
        work.undo.push(Undo::Head(key.clone(), before));
        let stamp = Stamp { seq: stream.head.seq + 1, at: stream.last.map_or(at, |last| last.max(at)) };
        stream.head.seq = stamp.seq;
        stream.last = Some(stamp.at);
        if keep == Keep::Yes {
            stream.head.last_kept = Some(stamp.at);
        }
        if keep != Keep::No {
            stream.ids.insert(id.clone(), stamp.seq);
            stream.entries.insert(stamp.seq, Entry { id: id.clone(), stamp, record: record.clone() });
            work.undo.push(Undo::Appended(key.clone(), stamp.seq));
        }
        work.done.stamps.push(stamp);
        let position = Position::default();
        work.announced.push(Announced { position, subject: key, record, entry: Some((id, stamp)) });
        Ok(())
    }

    fn remove(&mut self, key: &Key, seq: u64, work: &mut Work) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if let Some(entry) = stream.entries.remove(&seq) {
            stream.ids.remove(&entry.id);
            work.undo.push(Undo::Removed(key.clone(), entry));
        }
    }

    fn entry_mut(&mut self, stream: &Key, id: &EntryId) -> Option<&mut Entry> {
        let stream = self.streams.get_mut(stream)?;
        let seq = stream.ids.get(id)?;
        stream.entries.get_mut(seq)
    }

    fn take_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            match step {
                Undo::Record(key, Some(old)) => drop(self.records.insert(key, old)),
                Undo::Record(key, None) => drop(self.records.remove(&key)),
                Undo::Counter(key, Some(old)) => drop(self.counters.insert(key, old)),
                Undo::Counter(key, None) => drop(self.counters.remove(&key)),
                Undo::Head(key, Some((head, last))) => {
                    let stream = self.streams.entry(key).or_default();
                    (stream.head, stream.last) = (head, last);
                }
                Undo::Head(key, None) => drop(self.streams.remove(&key)),
                Undo::Appended(key, seq) => {
                    let stream = self.streams.entry(key).or_default();
                    if let Some(entry) = stream.entries.remove(&seq) {
                        stream.ids.remove(&entry.id);
                    }
                }
                Undo::Replaced(key, old) | Undo::Removed(key, old) => {
                    let stream = self.streams.entry(key).or_default();
                    stream.ids.insert(old.id.clone(), old.stamp.seq);
                    stream.entries.insert(old.stamp.seq, old);
                }
            }
        }
    }
}
