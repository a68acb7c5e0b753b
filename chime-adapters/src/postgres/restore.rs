//! A state in an empty database.

use std::io::Read;

use tokio_postgres::error::SqlState;
use tokio_postgres::{IsolationLevel, Transaction};

use super::backup::{export, session};
use super::{PostgresConfig, PostgresError, keep, schema};
use crate::state::{Row, StateError, StateHash, StateReader, StateWriter};

/// Bytes that are sent at once.
const LOAD: usize = 1024 * 1024;
/// Ids of streams are given out in blocks of so many.
const STREAM_BLOCK: i64 = 1 << 20;

const EMPTY: &str = "SELECT NOT (EXISTS (SELECT FROM record) OR EXISTS (SELECT FROM counter) \
    OR EXISTS (SELECT FROM stream) OR EXISTS (SELECT FROM entry) \
    OR EXISTS (SELECT FROM outbox WHERE position > 0) OR EXISTS (SELECT FROM outbox_floor WHERE position > 0))";
const TABLES: &str = "LOCK TABLE record, counter, stream, entry, outbox, outbox_floor IN ACCESS EXCLUSIVE MODE; \
    DELETE FROM outbox; DELETE FROM outbox_cursor; DELETE FROM committer";

/// Fills an empty database with a state, in one transaction; no node may use it.
///
/// # Errors
///
/// [`PostgresError`]; among them [`PostgresError::NotEmpty`], [`PostgresError::InUse`] and, when it is not the state
/// that was expected, [`PostgresError::State`]. The database stays empty then.
pub async fn restore(
    config: &PostgresConfig,
    from: impl Read,
    expected: StateHash,
) -> Result<(), PostgresError> {
    let mut reader = StateReader::new(from)?;
    let mut session = session(config).await?;
    schema::migrate(&mut session.client).await?;
    keep::take_in_time(&session, true, "a state is restored into a database that nobody uses").await?;
    // Reads after the writes see these, and nobody else writes.
    let transaction = session.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
    let transaction = transaction.start().await?;
    if !transaction.query_one(EMPTY, &[]).await?.try_get::<_, bool>(0)? {
        return Err(PostgresError::NotEmpty);
    }
    transaction.batch_execute(TABLES).await?;
    let mut load = Load::default();
    while let Some(row) = reader.row()? {
        load.take(row);
        if load.bytes >= LOAD {
            load.send(&transaction).await?;
        }
    }
    load.send(&transaction).await?;
    let set = "SELECT setval('revision', GREATEST($1::bigint, 1), $1::bigint > 0), setval('stream_block', $2, false)";
    transaction.query_one(set, &[&load.revision, &(load.stream / STREAM_BLOCK + 1)]).await?;
    transaction.execute("UPDATE outbox_floor SET position = $1", &[&load.settled]).await?;
    // There always is a row at the newest position, by which the next one is found.
    let newest = "INSERT INTO outbox VALUES ($1, '', NULL, NULL, NULL, '') ON CONFLICT DO NOTHING";
    transaction.execute(newest, &[&load.position]).await?;
    StateError::unless_same(expected, reader.finish())?;
    let mut restored = StateWriter::hashing();
    export(&transaction, &mut restored, None).await?;
    StateError::unless_same(expected, restored.finish()?.1)?;
    transaction.commit().await?;
    Ok(())
}

/// Adds a part to the state of a database, which servers may use, and one to the counter `one_more`: all or nothing.
///
/// # Errors
///
/// [`PostgresError::Taken`] when some of it is there already, and others.
pub async fn import_part(
    config: &PostgresConfig,
    from: impl Read,
    expected: StateHash,
    one_more: &str,
) -> Result<(), PostgresError> {
    import_in_blocks(config, from, expected, one_more, STREAM_BLOCK).await
}

/// The same, with so many ids for logs of each block that is taken.
pub(super) async fn import_in_blocks(
    config: &PostgresConfig,
    from: impl Read,
    expected: StateHash,
    one_more: &str,
    of_each: i64,
) -> Result<(), PostgresError> {
    let mut reader = StateReader::new(from)?;
    let mut session = session(config).await?;
    schema::migrate(&mut session.client).await?;
    let transaction = session.client.transaction().await?;
    let mut load = Load { beside: true, ..Load::default() };
    let mut end_of_block = 0;
    while let Some(row) = reader.row()? {
        if matches!(row, Row::Stream { .. }) && load.stream + 1 >= end_of_block {
            // Nobody else is given a block that was taken, not even when this comes to nothing.
            let block: i64 =
                transaction.query_one("SELECT nextval('stream_block')", &[]).await?.try_get(0)?;
            load.stream = block * STREAM_BLOCK;
            end_of_block = load.stream + of_each;
        }
        load.take(row);
        if load.bytes >= LOAD {
            load.send(&transaction).await.map_err(taken)?;
        }
    }
    load.send(&transaction).await.map_err(taken)?;
    let more = "INSERT INTO counter VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET value = counter.value + 1";
    transaction.execute(more, &[&one_more.as_bytes()]).await?;
    StateError::unless_same(expected, reader.finish())?;
    transaction.commit().await?;
    Ok(())
}

fn taken(error: tokio_postgres::Error) -> PostgresError {
    match error.code() {
        Some(&SqlState::UNIQUE_VIOLATION) => PostgresError::Taken,
        _ => error.into(),
    }
}

/// Rows that are to be sent, as columns.
#[derive(Default)]
struct Load {
    /// Others' rows are there, whose revisions and ids go on.
    beside: bool,
    bytes: usize,
    /// The newest id of a stream.
    stream: i64,
    position: i64,
    revision: i64,
    settled: i64,
    records: (Vec<Vec<u8>>, Vec<i64>, Vec<Vec<u8>>),
    counters: (Vec<Vec<u8>>, Vec<i64>),
    streams: Streams,
    entries: Entries,
    announcements: Announcements,
}

#[derive(Default)]
struct Streams {
    id: Vec<i64>,
    key: Vec<Vec<u8>>,
    seq: Vec<i64>,
    at: Vec<i64>,
    last_kept: Vec<Option<i64>>,
}

#[derive(Default)]
struct Entries {
    stream: Vec<i64>,
    seq: Vec<i64>,
    id: Vec<Vec<u8>>,
    at: Vec<i64>,
    body: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Announcements {
    position: Vec<i64>,
    subject: Vec<Vec<u8>>,
    id: Vec<Option<Vec<u8>>>,
    seq: Vec<Option<i64>>,
    at: Vec<Option<i64>>,
    body: Vec<Vec<u8>>,
}

impl Load {
    fn take(&mut self, row: Row<Vec<u8>>) {
        // What a row costs beside its body, roughly.
        self.bytes += 128;
        match row {
            Row::Record { key, revision, body } => {
                self.bytes += body.len();
                self.records.0.push(key);
                self.records.1.push(revision);
                self.records.2.push(body);
            }
            Row::Counter { key, value } => {
                self.counters.0.push(key);
                self.counters.1.push(value);
            }
            Row::Stream { key, seq, at, last_kept } => {
                self.stream += 1;
                self.streams.id.push(self.stream);
                self.streams.key.push(key);
                self.streams.seq.push(seq);
                self.streams.at.push(at);
                self.streams.last_kept.push(last_kept);
            }
            Row::Entry { seq, id, at, body } => {
                self.bytes += body.len();
                self.entries.stream.push(self.stream);
                self.entries.seq.push(seq);
                self.entries.id.push(id);
                self.entries.at.push(at);
                self.entries.body.push(body);
            }
            Row::Announcement { position, subject, entry, body } => {
                self.bytes += body.len();
                let (id, seq, at) = match entry {
                    Some((id, seq, at)) => (Some(id), Some(seq), Some(at)),
                    None => (None, None, None),
                };
                let to = &mut self.announcements;
                to.position.push(position);
                to.subject.push(subject);
                to.id.push(id);
                to.seq.push(seq);
                to.at.push(at);
                to.body.push(body);
            }
            Row::End { position, revision, settled } => {
                (self.position, self.revision, self.settled) = (position, revision, settled);
            }
        }
    }

    async fn send(&mut self, to: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        self.bytes = 0;
        let (key, revision, body) = std::mem::take(&mut self.records);
        if !key.is_empty() {
            let sql = if self.beside {
                "INSERT INTO record (key, revision, body) \
                 SELECT new.key, nextval('revision'), new.body \
                 FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS new (key, revision, body)"
            } else {
                "INSERT INTO record (key, revision, body) \
                 SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])"
            };
            to.execute(sql, &[&key, &revision, &body]).await?;
        }
        let (key, value) = std::mem::take(&mut self.counters);
        if !key.is_empty() {
            let sql = "INSERT INTO counter (key, value) SELECT * FROM unnest($1::bytea[], $2::bigint[])";
            to.execute(sql, &[&key, &value]).await?;
        }
        let Streams { id, key, seq, at, last_kept } = std::mem::take(&mut self.streams);
        if !id.is_empty() {
            let sql = "INSERT INTO stream (id, key, seq, at, last_kept) SELECT * FROM \
                       unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[])";
            to.execute(sql, &[&id, &key, &seq, &at, &last_kept]).await?;
        }
        let Entries { stream, seq, id, at, body } = std::mem::take(&mut self.entries);
        if !stream.is_empty() {
            let sql = "INSERT INTO entry (stream, seq, id, at, body) SELECT * FROM \
                       unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[])";
            to.execute(sql, &[&stream, &seq, &id, &at, &body]).await?;
        }
        let Announcements { position, subject, id, seq, at, body } = std::mem::take(&mut self.announcements);
        if !position.is_empty() {
            let sql = "INSERT INTO outbox (position, subject, id, seq, at, body) SELECT * FROM \
                       unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[])";
            to.execute(sql, &[&position, &subject, &id, &seq, &at, &body]).await?;
        }
        Ok(())
    }
}
