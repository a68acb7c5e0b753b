//! One batch within the writer's transaction.
//!
//! Counters are settled first, in memory; then the logs; the records, which are never refused, last. So most refusals
//! come before anything was written, and only a batch that could be refused behind a written change costs a savepoint.

use std::collections::HashSet;

use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announce, Announced, Append, Batch, Change, Committed, EntryId, Keep, Key, Position, Record, Stamp,
    Versioned,
};
use rusqlite::{Connection, OptionalExtension, ffi, params};

use super::schema::{rows, signed};
use super::state::{State, StreamRow};

/// Why a batch did not pass.
enum Stop {
    /// It is refused; others in the transaction are not touched.
    Refused(StoreError),
    /// The transaction failed.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

const CONFLICT: Stop = Stop::Refused(StoreError::Conflict);

/// Applies a batch to the transaction, or leaves no trace of it in there.
pub(super) fn apply(
    connection: &Connection,
    state: &mut State,
    batch: &Batch,
) -> rusqlite::Result<Result<Committed, StoreError>> {
    for guard in &batch.guards {
        if state.revision(connection, &guard.key)? != guard.revision {
            return Ok(Err(StoreError::Conflict));
        }
    }
    let mark = state.mark();
    let savepoint = may_be_refused_late(&batch.changes);
    if savepoint {
        connection.prepare_cached("SAVEPOINT batch")?.execute([])?;
    }
    let outcome = Work { connection, state, done: Committed::default() }.run(batch);
    if savepoint {
        if outcome.is_err() {
            connection.prepare_cached("ROLLBACK TO batch")?.execute([])?;
        }
        connection.prepare_cached("RELEASE batch")?.execute([])?;
    }
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Stop::Refused(refusal)) => {
            state.take_back(mark);
            Ok(Err(refusal))
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// True when a change of a log that may be refused follows one that was written.
fn may_be_refused_late(changes: &[Change]) -> bool {
    let mut written = false;
    changes.iter().any(|change| match change {
        Change::Append(_) | Change::Replace { .. } => std::mem::replace(&mut written, true),
        Change::Remove { .. } | Change::Trim { .. } | Change::DropStream(_) => {
            written = true;
            false
        }
        Change::Put(..) | Change::Delete(_) | Change::Count { .. } => false,
    })
}

struct Work<'a> {
    connection: &'a Connection,
    state: &'a mut State,
    done: Committed,
}

impl Work<'_> {
    fn run(mut self, batch: &Batch) -> Result<Committed, Stop> {
        for change in &batch.changes {
            if let Change::Count { counter, by, at_most } = change {
                self.count(counter, *by, *at_most)?;
            }
        }
        for change in &batch.changes {
            match change {
                Change::Append(append) => self.append(append)?,
                Change::Replace { stream, id, was, record } => {
                    self.replace(stream, id, was.as_ref(), record)?
                }
                Change::Remove { stream, id } => self.remove(stream, id)?,
                Change::Trim { stream, until, limit } => self.trim(stream, until.millis(), *limit)?,
                Change::DropStream(stream) => self.drop_stream(stream)?,
                Change::Put(..) | Change::Delete(_) | Change::Count { .. } => {}
            }
        }
        self.records(&batch.changes)?;
        for Announce { subject, record } in &batch.announce {
            self.announce(subject, record, None)?;
        }
        self.done.position = Position(self.state.progress.position);
        Ok(self.done)
    }

    fn count(&mut self, counter: &Key, by: i64, at_most: Option<u64>) -> Result<(), Stop> {
        let value = self.state.counter(self.connection, counter)?.saturating_add_signed(by);
        if let Some(limit) = at_most.filter(|limit| value > *limit) {
            return Err(Stop::Refused(StoreError::LimitReached { counter: counter.to_string(), limit }));
        }
        self.state.set_counter(counter, value);
        Ok(())
    }

    fn append(&mut self, append: &Append) -> Result<(), Stop> {
        let known = self.state.stream(self.connection, &append.stream)?;
        let mut row = known.unwrap_or_else(|| {
            self.state.progress.stream += 1;
            StreamRow { id: self.state.progress.stream, seq: 0, at: append.at, last_kept: None }
        });
        row.seq += 1;
        row.at = row.at.max(append.at);
        let stamp = Stamp { seq: row.seq, at: row.at };
        if append.keep == Keep::Yes {
            row.last_kept = Some(row.at);
        }
        if append.keep != Keep::No {
            self.state.progress.position += 1;
            self.insert(row.id, append, stamp)?;
            self.announced(&append.stream, &append.record, Some((append.id.clone(), stamp)));
        } else {
            if known.is_some() && self.place(row.id, &append.id)?.is_some() {
                return Err(CONFLICT);
            }
            self.announce(&append.stream, &append.record, Some((append.id.clone(), stamp)))?;
        }
        self.state.set_stream(&append.stream, Some(row));
        self.done.stamps.push(stamp);
        Ok(())
    }

    /// Writes an entry at the newest position. The index of ids finds out whether its id is taken.
    fn insert(&mut self, stream: i64, append: &Append, stamp: Stamp) -> Result<(), Stop> {
        let inserted = self
            .connection
            .prepare_cached(
                "INSERT INTO entry (position, stream, seq, id, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                signed(self.state.progress.position),
                stream,
                signed(stamp.seq),
                &*append.id,
                stamp.at.millis(),
                append.record.bytes(),
            ]);
        match inserted {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE =>
            {
                Err(CONFLICT)
            }
            done => Ok(done.map(drop)?),
        }
    }

    fn replace(
        &mut self,
        stream: &Key,
        id: &EntryId,
        was: Option<&Record>,
        record: &Record,
    ) -> Result<(), Stop> {
        let row = self.state.stream(self.connection, stream)?.ok_or(CONFLICT)?;
        let position = self.place(row.id, id)?.ok_or(CONFLICT)?;
        if let Some(was) = was {
            let mut select = self.connection.prepare_cached("SELECT body FROM entry WHERE position = ?1")?;
            let same = select.query_row([position], |row| Ok(row.get_ref(0)?.as_blob()? == was.bytes()))?;
            if !same {
                return Err(CONFLICT);
            }
        }
        self.preserve(stream, position)?;
        self.connection
            .prepare_cached("UPDATE entry SET body = ?2 WHERE position = ?1")?
            .execute(params![position, record.bytes()])?;
        Ok(())
    }

    fn remove(&mut self, stream: &Key, id: &EntryId) -> Result<(), Stop> {
        let Some(row) = self.state.stream(self.connection, stream)? else { return Ok(()) };
        if let Some(position) = self.place(row.id, id)? {
            self.delete(stream, position)?;
        }
        Ok(())
    }

    fn trim(&mut self, stream: &Key, until: i64, limit: usize) -> Result<(), Stop> {
        let Some(row) = self.state.stream(self.connection, stream)? else { return Ok(()) };
        let mut select = self
            .connection
            .prepare_cached("SELECT position, at FROM entry WHERE stream = ?1 ORDER BY seq LIMIT ?2")?;
        let mut oldest = select.query((row.id, rows(limit)))?;
        let mut due = Vec::new();
        // Moments never go back within a stream: the first that is too young ends the search.
        while let Some(entry) = oldest.next()? {
            if entry.get::<_, i64>(1)? > until {
                break;
            }
            due.push(entry.get(0)?);
        }
        for position in &due {
            self.delete(stream, *position)?;
        }
        self.done.trimmed += due.len();
        Ok(())
    }

    fn drop_stream(&mut self, stream: &Key) -> Result<(), Stop> {
        let Some(row) = self.state.stream(self.connection, stream)? else { return Ok(()) };
        let mut first = self.connection.prepare_cached("SELECT 1 FROM entry WHERE stream = ?1 LIMIT 1")?;
        if first.exists([row.id])? {
            return Ok(());
        }
        self.connection.prepare_cached("DELETE FROM stream WHERE id = ?1")?.execute([row.id])?;
        self.state.set_stream(stream, None);
        Ok(())
    }

    /// Writes the records, each once, as the last change of it has it.
    fn records(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        let mut later = HashSet::new();
        for change in changes.iter().rev() {
            match change {
                Change::Put(key, record) if later.insert(key) => {
                    self.state.progress.revision += 1;
                    let revision = self.state.progress.revision;
                    self.connection
                        .prepare_cached(
                            "INSERT INTO record (key, revision, body) VALUES (?1, ?2, ?3) ON CONFLICT (key) \
                             DO UPDATE SET revision = excluded.revision, body = excluded.body",
                        )?
                        .execute(params![key.as_str(), signed(revision), record.bytes()])?;
                    self.state.set_record(key, Some(Versioned { revision, record: record.clone() }));
                }
                Change::Delete(key) if later.insert(key) => {
                    self.connection
                        .prepare_cached("DELETE FROM record WHERE key = ?1")?
                        .execute([key.as_str()])?;
                    self.state.set_record(key, None);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Announces something that no entry holds.
    fn announce(
        &mut self,
        subject: &Key,
        record: &Record,
        entry: Option<(EntryId, Stamp)>,
    ) -> rusqlite::Result<()> {
        self.state.progress.position += 1;
        let (id, stamp) = entry.as_ref().map(|(id, stamp)| (&**id, *stamp)).unzip();
        self.connection
            .prepare_cached(
                "INSERT INTO outbox (position, subject, id, seq, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                signed(self.state.progress.position),
                subject.as_str(),
                id,
                stamp.map(|stamp| signed(stamp.seq)),
                stamp.map(|stamp| stamp.at.millis()),
                record.bytes(),
            ])?;
        self.announced(subject, record, entry);
        Ok(())
    }

    fn announced(&mut self, subject: &Key, record: &Record, entry: Option<(EntryId, Stamp)>) {
        let position = Position(self.state.progress.position);
        let (subject, record) = (subject.clone(), record.clone());
        self.state.announced.push(Announced { position, subject, record, entry });
    }

    /// The position of an entry.
    fn place(&self, stream: i64, id: &EntryId) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT position FROM entry WHERE stream = ?1 AND id = ?2")?
            .query_row(params![stream, &**id], |row| row.get(0))
            .optional()
    }

    fn delete(&mut self, stream: &Key, position: i64) -> rusqlite::Result<()> {
        self.preserve(stream, position)?;
        self.connection.prepare_cached("DELETE FROM entry WHERE position = ?1")?.execute([position])?;
        Ok(())
    }

    /// Copies what an entry announced, before it changes, unless it has been carried on.
    fn preserve(&mut self, stream: &Key, position: i64) -> rusqlite::Result<()> {
        if position > signed(self.state.committed.settled) {
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO outbox (position, subject, id, seq, at, body) \
                     SELECT position, ?2, id, seq, at, body FROM entry WHERE position = ?1",
                )?
                .execute(params![position, stream.as_str()])?;
        }
        Ok(())
    }
}
