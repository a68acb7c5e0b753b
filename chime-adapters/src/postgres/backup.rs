//! The whole state of a database, read in one transaction while nodes use it.

use std::io::Write;
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::{IsolationLevel, Row as Found, Transaction};

use super::connect::{Connector, Session};
use super::{PostgresConfig, PostgresError, schema};
use crate::state::{Part, Row, StateHash, StateWriter};

const RECORDS: &str =
    "SELECT key, revision, body FROM record WHERE position($1::bytea IN key) > 0 ORDER BY key";
const COUNTERS: &str = "SELECT key, value FROM counter WHERE position($1::bytea IN key) > 0 ORDER BY key";
/// Each log with its entries; one without any has a row without an entry.
const STREAMS: &str = "SELECT stream.id, stream.key, stream.seq, stream.at, stream.last_kept, \
    entry.seq, entry.id, entry.at, entry.body \
    FROM stream LEFT JOIN entry ON entry.stream = stream.id \
    WHERE position($1::bytea IN stream.key) > 0 ORDER BY stream.key, entry.seq";
const ANNOUNCEMENTS: &str =
    "SELECT position, subject, id, seq, at, body FROM outbox WHERE position > $1 ORDER BY position";
const END: &str = "SELECT (SELECT max(position) FROM outbox), (SELECT position FROM outbox_floor), \
    (SELECT count(*) FROM entry)";
/// A sequence belongs to no transaction: asked last, it is not behind any revision that the transaction sees.
const REVISION: &str = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM revision";

/// Writes the state of a database as of one moment, and gives its hash. Nodes may use the database meanwhile: neither
/// waits for the other.
///
/// # Errors
///
/// [`PostgresError`].
pub async fn backup(config: &PostgresConfig, to: impl Write) -> Result<StateHash, PostgresError> {
    let mut writer = StateWriter::new(to)?;
    read(config, &mut writer, None).await?;
    Ok(writer.finish()?.1)
}

/// Tells what a database holds. Nodes may use it meanwhile.
///
/// # Errors
///
/// [`PostgresError`].
pub async fn verify(config: &PostgresConfig) -> Result<StateHash, PostgresError> {
    let mut writer = StateWriter::hashing();
    read(config, &mut writer, None).await?;
    Ok(writer.finish()?.1)
}

/// Writes a part of the state of a database as [`backup`] writes all of it.
///
/// # Errors
///
/// [`PostgresError`].
pub async fn export_part(
    config: &PostgresConfig,
    part: &Part<'_>,
    to: impl Write,
) -> Result<StateHash, PostgresError> {
    let mut writer = StateWriter::new(to)?;
    read(config, &mut writer, Some(part)).await?;
    Ok(writer.finish()?.1)
}

async fn read(
    config: &PostgresConfig,
    writer: &mut StateWriter<impl Write>,
    part: Option<&Part<'_>>,
) -> Result<(), PostgresError> {
    let mut session = session(config).await?;
    schema::known(&session.client).await?;
    let moment = session.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
    let moment = moment.read_only(true).start().await?;
    export(&moment, writer, part).await
}

/// A session for what takes its time.
pub(super) async fn session(config: &PostgresConfig) -> Result<Session, PostgresError> {
    let session = Connector::new(config)?.connect().await?;
    let patient = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
    session.client.batch_execute(patient).await?;
    Ok(session)
}

/// Writes what a transaction sees. It must see one moment.
pub(super) async fn export(
    moment: &Transaction<'_>,
    writer: &mut StateWriter<impl Write>,
    part: Option<&Part<'_>>,
) -> Result<(), PostgresError> {
    let end = moment.query_one(END, &[]).await?;
    let (position, settled, entries): (Option<i64>, i64, i64) =
        (end.try_get(0)?, end.try_get(1)?, end.try_get(2)?);
    let position = position.ok_or_else(|| PostgresError::Damaged("the outbox has no position".into()))?;

    let of = part.unwrap_or(&Part::ALL);
    let within = || [of.within.as_bytes()];
    // The driver reads on when a row was taken: what is not yet written waits on the other side.
    let mut rows = pin!(moment.query_raw(RECORDS, within()).await?);
    while let Some(row) = rows.try_next().await? {
        if !of.has(bytes(&row, 0)?) {
            continue;
        }
        writer.row(&Row::Record {
            key: bytes(&row, 0)?,
            revision: row.try_get(1)?,
            body: bytes(&row, 2)?,
        })?;
    }
    let mut rows = pin!(moment.query_raw(COUNTERS, within()).await?);
    while let Some(row) = rows.try_next().await? {
        if !of.has(bytes(&row, 0)?) {
            continue;
        }
        writer.row(&Row::Counter { key: bytes(&row, 0)?, value: row.try_get(1)? })?;
    }
    let mut rows = pin!(moment.query_raw(STREAMS, within()).await?);
    let mut stream = None;
    while let Some(row) = rows.try_next().await? {
        if !of.has(bytes(&row, 1)?) {
            continue;
        }
        let id: i64 = row.try_get(0)?;
        if stream != Some(id) {
            stream = Some(id);
            let (key, last_kept) = (bytes(&row, 1)?, row.try_get(4)?);
            writer.row(&Row::Stream { key, seq: row.try_get(2)?, at: row.try_get(3)?, last_kept })?;
        }
        if let Some(seq) = row.try_get(5)? {
            let (id, body) = (bytes(&row, 6)?, bytes(&row, 8)?);
            writer.row(&Row::Entry { seq, id, at: row.try_get(7)?, body })?;
        }
    }
    if part.is_some() {
        return Ok(writer.row(&Row::<&[u8]>::End { position: 0, revision: 0, settled: 0 })?);
    }
    if entries != writer.entries() {
        let astray = entries - writer.entries();
        return Err(PostgresError::Damaged(format!("{astray} entries belong to no log")));
    }
    let mut rows = pin!(moment.query_raw(ANNOUNCEMENTS, [settled]).await?);
    while let Some(row) = rows.try_next().await? {
        let entry = match (row.try_get::<_, Option<&[u8]>>(2)?, row.try_get(3)?, row.try_get(4)?) {
            (Some(id), Some(seq), Some(at)) => Some((id, seq, at)),
            _ => None,
        };
        let (subject, body) = (bytes(&row, 1)?, bytes(&row, 5)?);
        writer.row(&Row::Announcement { position: row.try_get(0)?, subject, entry, body })?;
    }
    let revision = moment.query_one(REVISION, &[]).await?.try_get(0)?;
    writer.row(&Row::<&[u8]>::End { position, revision, settled })?;
    Ok(())
}

fn bytes(row: &Found, column: usize) -> Result<&[u8], tokio_postgres::Error> {
    row.try_get(column)
}
