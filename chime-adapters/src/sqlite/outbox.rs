//! The newest announcements in memory, and those before them in the database.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use chime_domain::ports::{Announced, EntryId, Key, Position, Record, Stamp};
use chime_domain::time::Timestamp;
use rusqlite::{Connection, Row};

use super::schema::{rows, signed, unsigned};

const MOST: usize = 65_536;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The newest committed announcements.
#[derive(Debug)]
pub(super) struct Tail {
    inner: RwLock<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Everything that was committed after this position is here.
    floor: Position,
    announced: VecDeque<Announced>,
    bytes: usize,
}

impl Tail {
    /// A tail that begins after `floor`.
    pub(super) fn after(floor: Position) -> Self {
        Self { inner: RwLock::new(Inner { floor, announced: VecDeque::new(), bytes: 0 }) }
    }

    /// What follows `after`, or `None` when some of it must be read from the database.
    ///
    /// Of what is settled, the part that is here is given.
    pub(super) fn read(&self, after: Position, settled: Position, limit: usize) -> Option<Vec<Announced>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        if after.max(settled) < inner.floor {
            return None;
        }
        let start = inner.announced.partition_point(|announced| announced.position <= after);
        Some(inner.announced.iter().skip(start).take(limit).cloned().collect())
    }

    /// Adds what a transaction announced.
    pub(super) fn push(&self, announced: Vec<Announced>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for announced in announced {
            inner.bytes += announced.record.bytes().len();
            inner.announced.push_back(announced);
        }
        while inner.announced.len() > MOST || inner.bytes > MOST_BYTES {
            let Some(oldest) = inner.announced.pop_front() else { break };
            inner.bytes -= oldest.record.bytes().len();
            inner.floor = oldest.position;
        }
    }
}

/// Reads announcements after a position from the two tables that hold them.
pub(super) fn read(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> rusqlite::Result<Vec<Announced>> {
    let snapshot = connection.unchecked_transaction()?;
    let mut of_outbox = snapshot.prepare_cached(
        "SELECT position, subject, body, id, seq, at FROM outbox WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    let mut of_entries = snapshot.prepare_cached(
        "SELECT entry.position, stream.key, entry.body, entry.id, entry.seq, entry.at \
         FROM entry JOIN stream ON stream.id = entry.stream \
         WHERE entry.position > ?1 ORDER BY entry.position LIMIT ?2",
    )?;
    let bounds = (signed(after.0), rows(limit));
    let outbox = of_outbox.query_map(bounds, announced)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let entries = of_entries.query_map(bounds, announced)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut all = outbox;
    all.extend(entries);
    // The sort is stable: of two with one position, that of the outbox stays, which is as it was announced.
    all.sort_by_key(|announced| announced.position);
    all.dedup_by_key(|announced| announced.position);
    all.truncate(limit);
    Ok(all)
}

fn announced(row: &Row<'_>) -> rusqlite::Result<Announced> {
    let entry = match (row.get::<_, Option<EntryId>>(3)?, row.get::<_, Option<i64>>(4)?, row.get(5)?) {
        (Some(id), Some(seq), Some(at)) => {
            Some((id, Stamp { seq: unsigned(seq), at: Timestamp::from_millis(at) }))
        }
        _ => None,
    };
    Ok(Announced {
        position: Position(unsigned(row.get(0)?)),
        subject: Key::from_stored(row.get_ref(1)?.as_str()?),
        record: Record::from_bytes(row.get::<_, Vec<u8>>(2)?),
        entry,
    })
}
