//! What the writer knows without asking the database, and how it takes back a refused batch.

use std::collections::HashSet;

use chime_domain::ports::{Announced, Key, Revision, Versioned};
use chime_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::recent::Recent;
use super::schema::{signed, unsigned};

/// Keys of each kind that the writer remembers.
const REMEMBERED: usize = 65_536;

/// The row of `progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Newest position of the outbox.
    pub(super) position: u64,
    /// Newest revision of any record.
    pub(super) revision: Revision,
    /// Newest id of a stream.
    pub(super) stream: i64,
    /// Position up to which everything was carried on.
    pub(super) settled: u64,
}

/// The row of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamRow {
    pub(super) id: i64,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) last_kept: Option<Timestamp>,
}

/// The state of the transaction under way. Streams and counters are written at its end, each once.
#[derive(Debug)]
pub(super) struct State {
    pub(super) progress: Progress,
    /// As of the last transaction that was committed.
    pub(super) committed: Progress,
    streams: Recent<Option<StreamRow>>,
    counters: Recent<u64>,
    revisions: Recent<Option<Revision>>,
    changed_streams: HashSet<Key>,
    changed_counters: HashSet<Key>,
    undo: Vec<Undo>,
    /// What the transaction announces.
    pub(super) announced: Vec<Announced>,
    /// Records it writes and removes.
    pub(super) records: Vec<(Key, Option<Versioned>)>,
}

/// What was remembered of a key before a batch; `None` when nothing was.
#[derive(Debug)]
enum Undo {
    Stream(Key, Option<Option<StreamRow>>),
    Counter(Key, Option<u64>),
    Revision(Key, Option<Option<Revision>>),
}

/// Where a batch began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    progress: Progress,
    announced: usize,
    records: usize,
}

impl State {
    /// The state of a database.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT position, revision, stream, settled FROM progress";
        let progress = connection.query_row(sql, [], |row| {
            Ok(Progress {
                position: unsigned(row.get(0)?),
                revision: unsigned(row.get(1)?),
                stream: row.get(2)?,
                settled: unsigned(row.get(3)?),
            })
        })?;
        Ok(Self {
            progress,
            committed: progress,
            streams: Recent::new(REMEMBERED),
            counters: Recent::new(REMEMBERED),
            revisions: Recent::new(REMEMBERED),
            changed_streams: HashSet::new(),
            changed_counters: HashSet::new(),
            undo: Vec::new(),
            announced: Vec::new(),
            records: Vec::new(),
        })
    }

    pub(super) fn stream(
        &mut self,
        connection: &Connection,
        key: &Key,
    ) -> rusqlite::Result<Option<StreamRow>> {
        if let Some(row) = self.streams.get(key) {
            return Ok(*row);
        }
        let mut select =
            connection.prepare_cached("SELECT id, seq, at, last_kept FROM stream WHERE key = ?1")?;
        let found = select.query_row([key.as_str()], |row| {
            Ok(StreamRow {
                id: row.get(0)?,
                seq: unsigned(row.get(1)?),
                at: Timestamp::from_millis(row.get(2)?),
                last_kept: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis),
            })
        });
        let found = found.optional()?;
        self.streams.insert(key.clone(), found);
        Ok(found)
    }

    pub(super) fn set_stream(&mut self, key: &Key, row: Option<StreamRow>) {
        let old = self.streams.insert(key.clone(), row);
        self.undo.push(Undo::Stream(key.clone(), old));
        self.changed_streams.insert(key.clone());
    }

    pub(super) fn counter(&mut self, connection: &Connection, key: &Key) -> rusqlite::Result<u64> {
        if let Some(value) = self.counters.get(key) {
            return Ok(*value);
        }
        let mut select = connection.prepare_cached("SELECT value FROM counter WHERE key = ?1")?;
        let found = select.query_row([key.as_str()], |row| row.get(0)).optional()?;
        let value = found.map(unsigned).unwrap_or_default();
        self.counters.insert(key.clone(), value);
        Ok(value)
    }

    pub(super) fn set_counter(&mut self, key: &Key, value: u64) {
        let old = self.counters.insert(key.clone(), value);
        self.undo.push(Undo::Counter(key.clone(), old));
        self.changed_counters.insert(key.clone());
    }

    pub(super) fn revision(
        &mut self,
        connection: &Connection,
        key: &Key,
    ) -> rusqlite::Result<Option<Revision>> {
        if let Some(revision) = self.revisions.get(key) {
            return Ok(*revision);
        }
        let mut select = connection.prepare_cached("SELECT revision FROM record WHERE key = ?1")?;
        let found = select.query_row([key.as_str()], |row| row.get(0)).optional()?.map(unsigned);
        self.revisions.insert(key.clone(), found);
        Ok(found)
    }

    pub(super) fn set_record(&mut self, key: &Key, value: Option<Versioned>) {
        let revision = value.as_ref().map(|value| value.revision);
        let old = self.revisions.insert(key.clone(), revision);
        self.undo.push(Undo::Revision(key.clone(), old));
        self.records.push((key.clone(), value));
    }

    /// Where a batch begins.
    pub(super) fn mark(&mut self) -> Mark {
        self.undo.clear();
        Mark { progress: self.progress, announced: self.announced.len(), records: self.records.len() }
    }

    /// Takes back a refused batch. What it changed stays marked as changed, which writes an unchanged row at worst.
    pub(super) fn take_back(&mut self, mark: Mark) {
        self.progress = mark.progress;
        self.announced.truncate(mark.announced);
        self.records.truncate(mark.records);
        for step in std::mem::take(&mut self.undo).into_iter().rev() {
            match step {
                Undo::Stream(key, Some(old)) => drop(self.streams.insert(key, old)),
                Undo::Stream(key, None) => self.streams.remove(&key),
                Undo::Counter(key, Some(old)) => drop(self.counters.insert(key, old)),
                Undo::Counter(key, None) => self.counters.remove(&key),
                Undo::Revision(key, Some(old)) => drop(self.revisions.insert(key, old)),
                Undo::Revision(key, None) => self.revisions.remove(&key),
            }
        }
    }

    /// Writes the streams, counters and progress of the transaction.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut upsert = connection.prepare_cached(
            "INSERT INTO stream (id, key, seq, at, last_kept) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, at = excluded.at, last_kept = excluded.last_kept",
        )?;
        for key in self.changed_streams.drain() {
            // A stream that was dropped, or whose first entry was refused, has no row.
            if let Some(Some(row)) = self.streams.get(&key) {
                let last_kept = row.last_kept.map(Timestamp::millis);
                upsert.execute(params![row.id, key.as_str(), signed(row.seq), row.at.millis(), last_kept])?;
            }
        }
        let mut upsert = connection.prepare_cached(
            "INSERT INTO counter (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?;
        let mut delete = connection.prepare_cached("DELETE FROM counter WHERE key = ?1")?;
        for key in self.changed_counters.drain() {
            match self.counters.get(&key) {
                // As if it had never been.
                Some(0) => drop(delete.execute([key.as_str()])?),
                Some(value) => drop(upsert.execute(params![key.as_str(), signed(*value)])?),
                None => {}
            }
        }
        let Progress { position, revision, stream, settled } = self.progress;
        connection
            .prepare_cached("UPDATE progress SET position = ?1, revision = ?2, stream = ?3, settled = ?4")?
            .execute(params![signed(position), signed(revision), stream, signed(settled)])?;
        Ok(())
    }

    /// Forgets what the transaction did, which was rolled back.
    pub(super) fn roll_back(&mut self) {
        self.progress = self.committed;
        self.streams.clear();
        self.counters.clear();
        self.revisions.clear();
        self.changed_streams.clear();
        self.changed_counters.clear();
        self.undo.clear();
        self.announced.clear();
        self.records.clear();
    }

    /// Forgets keys that were not used for long. Only between transactions: one under way counts on what it changed.
    pub(super) fn age(&mut self) {
        self.streams.age();
        self.counters.age();
        self.revisions.age();
    }
}
