//! Reading: a few threads with a connection each, and the queries they run.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use chime_domain::error::StoreError;
use chime_domain::ports::{Entry, EntryId, EntryQuery, Head, Key, Order, Record, Scan, Stamp, Versioned};
use chime_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::oneshot;

use super::error::{busy, closed, explain};
use super::schema::{rows, signed, unsigned};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Reads that wait for a thread.
pub(super) struct Readers {
    queue: Mutex<(VecDeque<Job>, bool)>,
    ready: Condvar,
    capacity: usize,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), ready: Condvar::new(), capacity })
    }

    /// Runs a query on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(move |connection| {
            // Nobody waits for the answer to a read whose future was dropped.
            let _ = reply.send(query(connection));
        }))?;
        answer.await.map_err(|_| closed())?.map_err(|error| explain(&error))
    }

    fn submit(&self, job: Job) -> Result<(), StoreError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.0.len() >= self.capacity {
            return Err(busy("reads"));
        }
        queue.0.push_back(job);
        drop(queue);
        self.ready.notify_one();
        Ok(())
    }

    /// Lets the threads end.
    pub(super) fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.ready.notify_all();
    }

    /// What one thread does.
    pub(super) fn serve(&self, connection: &Connection) {
        loop {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |(jobs, closed): &mut (VecDeque<Job>, bool)| jobs.is_empty() && !*closed;
            let mut queue = self.ready.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner);
            let Some(job) = queue.0.pop_front() else { return };
            drop(queue);
            job(connection);
        }
    }
}

pub(super) fn get(connection: &Connection, keys: &[Key]) -> rusqlite::Result<Vec<Option<Versioned>>> {
    let snapshot = connection.unchecked_transaction()?;
    let mut select = snapshot.prepare_cached("SELECT revision, body FROM record WHERE key = ?1")?;
    keys.iter()
        .map(|key| {
            let found = select.query_row([key.as_str()], |row| {
                let record = Record::from_bytes(row.get::<_, Vec<u8>>(1)?);
                Ok(Versioned { revision: unsigned(row.get(0)?), record })
            });
            found.optional()
        })
        .collect()
}

pub(super) fn scan(connection: &Connection, scan: &Scan) -> rusqlite::Result<Vec<(Key, Versioned)>> {
    // One bound in each direction is the tighter one, so that the range is a stretch of the key's index. Each bound is
    // a term of its own: behind an OR the index would not serve it, and the scan would run on to the table's end.
    let after = scan.after.as_ref().map(Key::as_str).filter(|after| **after >= *scan.prefix);
    let start = after.unwrap_or(&scan.prefix);
    let end = match (past(&scan.prefix), scan.before.clone()) {
        (Some(end), Some(before)) => Some(end.min(before)),
        (end, before) => end.or(before),
    };
    let sql = match (after.is_some(), end.is_some()) {
        (false, false) => {
            "SELECT key, revision, body FROM record WHERE key >= ?1 AND ?2 IS NULL ORDER BY key LIMIT ?3"
        }
        (false, true) => {
            "SELECT key, revision, body FROM record WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3"
        }
        (true, false) => {
            "SELECT key, revision, body FROM record WHERE key > ?1 AND ?2 IS NULL ORDER BY key LIMIT ?3"
        }
        (true, true) => {
            "SELECT key, revision, body FROM record WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3"
        }
    };
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_map(params![start, end, rows(scan.limit)], |row| {
        let record = Record::from_bytes(row.get::<_, Vec<u8>>(2)?);
        let key = Key::from_stored(row.get_ref(0)?.as_str()?);
        Ok((key, Versioned { revision: unsigned(row.get(1)?), record }))
    })?;
    found.collect()
}

/// The least text that is greater than all that begin with `prefix`; `None` when there is none.
fn past(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // A range of characters steps over the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            rest.push(next);
            return Some(rest);
        }
    }
    None
}

pub(super) fn count(connection: &Connection, counter: &Key) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached("SELECT value FROM counter WHERE key = ?1")?;
    let value = select.query_row([counter.as_str()], |row| row.get(0)).optional()?;
    Ok(value.map(unsigned).unwrap_or_default())
}

pub(super) fn heads(connection: &Connection, streams: &[Key]) -> rusqlite::Result<Vec<Head>> {
    let snapshot = connection.unchecked_transaction()?;
    let mut select = snapshot.prepare_cached("SELECT seq, last_kept FROM stream WHERE key = ?1")?;
    streams
        .iter()
        .map(|stream| {
            let head = select.query_row([stream.as_str()], |row| {
                let last_kept = row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis);
                Ok(Head { seq: unsigned(row.get(0)?), last_kept })
            });
            Ok(head.optional()?.unwrap_or_default())
        })
        .collect()
}

pub(super) fn entry(connection: &Connection, stream: &Key, id: &EntryId) -> rusqlite::Result<Option<Entry>> {
    connection
        .prepare_cached(
            "SELECT entry.id, entry.seq, entry.at, entry.body FROM entry \
             WHERE stream = (SELECT stream.id FROM stream WHERE key = ?1) AND entry.id = ?2",
        )?
        .query_row(params![stream.as_str(), &**id], read_entry)
        .optional()
}

pub(super) fn entries(connection: &Connection, query: &EntryQuery) -> rusqlite::Result<Vec<Entry>> {
    let snapshot = connection.unchecked_transaction()?;
    let stream = snapshot
        .prepare_cached("SELECT id, seq, at FROM stream WHERE key = ?1")?
        .query_row([query.stream.as_str()], |row| {
            Ok((row.get::<_, i64>(0)?, unsigned(row.get(1)?), Timestamp::from_millis(row.get(2)?)))
        })
        .optional()?;
    let Some((stream, last, last_at)) = stream else { return Ok(Vec::new()) };
    let mut first = 1;
    let mut end = last + 1;
    if query.not_after < last_at {
        end = first_after(&snapshot, stream, end, |at| at > query.not_after)?;
    }
    if query.not_before > Timestamp::MIN {
        first = first_after(&snapshot, stream, end, |at| at >= query.not_before)?;
    }
    let sql = match query.order {
        Order::Ascending => {
            first = query.behind.map_or(first, |behind| first.max(behind.saturating_add(1)));
            "SELECT id, seq, at, body FROM entry WHERE stream = ?1 AND seq >= ?2 AND seq < ?3 \
             ORDER BY seq LIMIT ?4"
        }
        Order::Descending => {
            end = query.behind.map_or(end, |behind| end.min(behind));
            "SELECT id, seq, at, body FROM entry WHERE stream = ?1 AND seq >= ?2 AND seq < ?3 \
             ORDER BY seq DESC LIMIT ?4"
        }
    };
    let bounds = (stream, signed(first), signed(end), rows(query.limit));
    snapshot.prepare_cached(sql)?.query_map(bounds, read_entry)?.collect()
}

/// The least sequence number at and behind which all entries fulfil `late`; `end` when none below it does.
///
/// Moments never go back within a stream, so it halves the range instead of reading it.
fn first_after(
    connection: &Connection,
    stream: i64,
    end: u64,
    late: impl Fn(Timestamp) -> bool,
) -> rusqlite::Result<u64> {
    let mut next = connection
        .prepare_cached("SELECT seq, at FROM entry WHERE stream = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1")?;
    let (mut low, mut high) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = next.query_row((stream, signed(middle)), |row| {
            Ok((unsigned(row.get(0)?), Timestamp::from_millis(row.get(1)?)))
        });
        match found.optional()? {
            Some((seq, at)) if !late(at) => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(low.min(end))
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let stamp = Stamp { seq: unsigned(row.get(1)?), at: Timestamp::from_millis(row.get(2)?) };
    Ok(Entry { id: row.get(0)?, stamp, record: Record::from_bytes(row.get::<_, Vec<u8>>(3)?) })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_scan_reads_its_own_stretch_of_the_table_and_not_what_lies_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(include_str!("../../migrations/sqlite/0001_records_logs_outbox.sql"))
            .unwrap();
        let mut insert = connection.prepare("INSERT INTO record VALUES (?1, 1, x'')").unwrap();
        for n in 0..10_000 {
            insert.execute([format!("things/{:04}/{}", n / 10, n % 10)]).unwrap();
        }
        drop(insert);
        let steps = std::sync::Arc::new(AtomicU64::new(0));
        let counted = std::sync::Arc::clone(&steps);
        let count = move || counted.fetch_add(1, Ordering::Relaxed) > u64::MAX / 2;
        connection.progress_handler(1, Some(count)).unwrap();
        let key = |text: &str| Key::from_stored(text);
        let whole = Scan { prefix: "things/0003/".into(), after: None, before: None, limit: 500 };
        let scans = [
            (whole.clone(), 10),
            (Scan { after: Some(key("things/0003/4")), ..whole.clone() }, 5),
            (Scan { after: Some(key("things/0001/4")), ..whole.clone() }, 10),
            (Scan { after: Some(key("things/0007/4")), ..whole.clone() }, 0),
            (Scan { before: Some("things/0003/4".into()), ..whole.clone() }, 4),
            (Scan { before: Some("things/0009/4".into()), ..whole.clone() }, 10),
            (Scan { limit: 3, ..whole }, 3),
        ];
        for (wanted, rows) in scans {
            steps.store(0, Ordering::Relaxed);
            assert_eq!(scan(&connection, &wanted).unwrap().len(), rows, "{wanted:?}");
            let steps = steps.load(Ordering::Relaxed);
            assert!(steps < 200, "{steps} steps of the database's machine for {rows} rows: {wanted:?}");
        }
    }

    #[test]
    fn the_text_past_a_prefix_steps_over_what_cannot_be_a_character() {
        assert_eq!(past("a/b").as_deref(), Some("a/c"));
        assert_eq!(past("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(past("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(past("\u{10ffff}"), None);
        assert_eq!(past(""), None);
    }
}
