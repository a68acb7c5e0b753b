//! Reads, each one statement and so as of one moment.

use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announced, Entry, EntryId, EntryQuery, Head, Key, Order, Position, Record, Scan, Stamp, Versioned,
};
use chime_domain::time::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;

use super::connect::Readers;
use super::facts::{key, text};
use super::schema::{rows, signed, unsigned};

/// A column that is not what it was made for.
fn column<T>(read: Result<T, tokio_postgres::Error>) -> Result<T, StoreError> {
    read.map_err(|error| StoreError::corrupt("a row", error))
}

pub(super) async fn get(readers: &Readers, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<&[u8]> = keys.iter().map(|key| key.as_str().as_bytes()).collect();
    let sql = "SELECT key, revision, body FROM record WHERE key = ANY($1)";
    let found = readers.query(sql, &[&wanted]).await?;
    let mut by_key = HashMap::with_capacity(found.len());
    for row in &found {
        by_key.insert(column(key(row, 0))?, column(versioned(row, 1))?);
    }
    Ok(keys.iter().map(|key| by_key.get(key).cloned()).collect())
}

pub(super) async fn scan(readers: &Readers, scan: &Scan) -> Result<Vec<(Key, Versioned)>, StoreError> {
    // One bound in each direction, so that the range is a stretch of the index of keys.
    let mut start = scan.prefix.as_bytes().to_vec();
    if let Some(after) = &scan.after {
        // The least bytes that are greater.
        let next = [after.as_str().as_bytes(), &[0]].concat();
        start = start.max(next);
    }
    let mut end = past(scan.prefix.as_bytes());
    if let Some(before) = &scan.before {
        end = end.min(before.as_bytes().to_vec());
    }
    let sql = "SELECT key, revision, body FROM record WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3";
    let found = readers.query(sql, &[&start, &end, &rows(scan.limit)]).await?;
    found.iter().map(|row| Ok((column(key(row, 0))?, column(versioned(row, 1))?))).collect()
}

/// The least bytes that are greater than all that begin with `prefix`. Those of a text are all below 0xff.
fn past(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    match end.last_mut() {
        Some(last) => *last = last.saturating_add(1),
        None => end.push(u8::MAX),
    }
    end
}

pub(super) async fn count(readers: &Readers, counter: &Key) -> Result<u64, StoreError> {
    let key = counter.as_str().as_bytes();
    let found = readers.query("SELECT value FROM counter WHERE key = $1", &[&key]).await?;
    found.first().map_or(Ok(0), |row| Ok(unsigned(column(row.try_get(0))?)))
}

pub(super) async fn heads(readers: &Readers, streams: &[Key]) -> Result<Vec<Head>, StoreError> {
    let wanted: Vec<&[u8]> = streams.iter().map(|key| key.as_str().as_bytes()).collect();
    let sql = "SELECT key, seq, last_kept FROM stream WHERE key = ANY($1)";
    let mut by_key = HashMap::new();
    for row in readers.query(sql, &[&wanted]).await? {
        let last_kept: Option<i64> = column(row.try_get(2))?;
        let seq = unsigned(column(row.try_get(1))?);
        by_key.insert(column(key(&row, 0))?, Head { seq, last_kept: last_kept.map(Timestamp::from_millis) });
    }
    Ok(streams.iter().map(|stream| by_key.get(stream).copied().unwrap_or_default()).collect())
}

pub(super) async fn entry(
    readers: &Readers,
    stream: &Key,
    id: &EntryId,
) -> Result<Option<Entry>, StoreError> {
    let sql = "SELECT entry.id, entry.seq, entry.at, entry.body FROM stream \
               JOIN entry ON entry.stream = stream.id AND entry.id = $2 WHERE stream.key = $1";
    let found = readers.query(sql, &[&stream.as_str().as_bytes(), &id.as_bytes()]).await?;
    found.first().map(|row| column(read_entry(row))).transpose()
}

pub(super) async fn entries(readers: &Readers, query: &EntryQuery) -> Result<Vec<Entry>, StoreError> {
    // The bounds in time become bounds in sequence first, so that a page costs what it shows, wherever it is.
    macro_rules! sql {
        ($order:literal) => {
            concat!(
                "WITH bound AS (SELECT id, \
                 CASE WHEN $2::bigint IS NULL THEN 1 ELSE entry_bound(id, seq + 1, $2, true) END AS first, \
                 CASE WHEN $3::bigint IS NULL OR at <= $3 THEN seq + 1 \
                 ELSE entry_bound(id, seq + 1, $3, false) END AS past FROM stream WHERE key = $1) \
                 SELECT page.id, page.seq, page.at, page.body FROM bound CROSS JOIN LATERAL \
                 (SELECT entry.id, entry.seq, entry.at, entry.body FROM entry WHERE entry.stream = bound.id \
                 AND entry.seq >= GREATEST(bound.first, $4::bigint) AND entry.seq < LEAST(bound.past, $5::bigint) \
                 ORDER BY entry.seq ",
                $order,
                " LIMIT $6) AS page"
            )
        };
    }
    let not_before = (query.not_before > Timestamp::MIN).then(|| query.not_before.millis());
    let not_after = (query.not_after < Timestamp::MAX).then(|| query.not_after.millis());
    let (mut first, mut past) = (1, i64::MAX);
    let sql = match query.order {
        Order::Ascending => {
            first = query.behind.map_or(first, |behind| signed(behind.saturating_add(1)));
            sql!("ASC")
        }
        Order::Descending => {
            past = query.behind.map_or(past, signed);
            sql!("DESC")
        }
    };
    let stream = query.stream.as_str().as_bytes();
    let found =
        readers.query(sql, &[&stream, &not_before, &not_after, &first, &past, &rows(query.limit)]).await?;
    found.iter().map(|row| column(read_entry(row))).collect()
}

/// Announcements after a position; of those that were forgotten, the rest.
pub(super) async fn announced(
    readers: &Readers,
    after: Position,
    limit: usize,
) -> Result<Vec<Announced>, StoreError> {
    let sql = "SELECT position, subject, body, id, seq, at FROM outbox WHERE position > $1 \
               ORDER BY position LIMIT $2";
    let found = readers.query(sql, &[&signed(after.0), &rows(limit)]).await?;
    found.iter().map(|row| column(read_announced(row))).collect()
}

/// The newest position of the outbox.
pub(super) async fn newest(readers: &Readers) -> Result<Position, StoreError> {
    position(readers, "SELECT max(position) FROM outbox").await
}

/// The position up to which announcements may be gone.
pub(super) async fn floor(readers: &Readers) -> Result<Position, StoreError> {
    position(readers, "SELECT position FROM outbox_floor").await
}

async fn position(readers: &Readers, sql: &'static str) -> Result<Position, StoreError> {
    let found = readers.query(sql, &[]).await?;
    let missing = || StoreError::Corrupt { what: "the outbox has no position".into(), source: None };
    Ok(Position(unsigned(column(found.first().ok_or_else(missing)?.try_get(0))?)))
}

fn versioned(row: &Row, from: usize) -> Result<Versioned, tokio_postgres::Error> {
    let record = Record::from_bytes(row.try_get::<_, Vec<u8>>(from + 1)?);
    Ok(Versioned { revision: unsigned(row.try_get(from)?), record })
}

fn read_entry(row: &Row) -> Result<Entry, tokio_postgres::Error> {
    let stamp = Stamp { seq: unsigned(row.try_get(1)?), at: Timestamp::from_millis(row.try_get(2)?) };
    let record = Record::from_bytes(row.try_get::<_, Vec<u8>>(3)?);
    Ok(Entry { id: text(row.try_get(0)?).into(), stamp, record })
}

fn read_announced(row: &Row) -> Result<Announced, tokio_postgres::Error> {
    let id: Option<&[u8]> = row.try_get(3)?;
    let entry = match (id, row.try_get::<_, Option<i64>>(4)?, row.try_get::<_, Option<i64>>(5)?) {
        (Some(id), Some(seq), Some(at)) => {
            Some((text(id).into(), Stamp { seq: unsigned(seq), at: Timestamp::from_millis(at) }))
        }
        _ => None,
    };
    Ok(Announced {
        position: Position(unsigned(row.try_get(0)?)),
        subject: key(row, 1)?,
        record: Record::from_bytes(row.try_get::<_, Vec<u8>>(2)?),
        entry,
    })
}

#[cfg(test)]
mod tests {
    use super::past;

    #[test]
    fn all_that_begin_with_a_prefix_are_below_what_is_past_it() {
        assert_eq!(past(b"a/b"), b"a/c");
        assert_eq!(past(b""), [255]);
        for prefix in ["a", "a\u{7f}", "a\u{10ffff}"] {
            let end = past(prefix.as_bytes());
            assert!(format!("{prefix}\u{10ffff}").as_bytes() < end.as_slice(), "{prefix:?}");
        }
    }
}
