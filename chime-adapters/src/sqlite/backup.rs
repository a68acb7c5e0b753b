//! The whole state of a database, read while a server uses it, and databases that are made of one.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use super::{Durability, SqliteConfig, SqliteError, schema, store};
use crate::state::{Part, Row, StateError, StateHash, StateReader, StateWriter};

const RECORDS: &str = "SELECT key, revision, body FROM record WHERE instr(key, ?1) > 0 ORDER BY key";
const COUNTERS: &str = "SELECT key, value FROM counter WHERE instr(key, ?1) > 0 ORDER BY key";
const STREAMS: &str = "SELECT id, key, seq, at, last_kept FROM stream WHERE instr(key, ?1) > 0 ORDER BY key";
const ENTRIES: &str = "SELECT seq, id, at, body FROM entry WHERE stream = ?1 ORDER BY seq";
/// An announcement in the outbox goes before the entry with its position.
const ANNOUNCEMENTS: &str = "\
    SELECT position, subject, id, seq, at, body FROM outbox WHERE position > ?1 UNION ALL \
    SELECT entry.position, stream.key, entry.id, entry.seq, entry.at, entry.body \
    FROM entry JOIN stream ON stream.id = entry.stream \
    WHERE entry.position > ?1 AND entry.position NOT IN (SELECT position FROM outbox) ORDER BY 1";

/// Writes the state of a database as of one moment, and gives its hash. A server may use the database meanwhile:
/// neither waits for the other, except that the log beside the database grows until the state is written.
///
/// # Errors
///
/// [`SqliteError::Damaged`] when the database is not whole; other [`SqliteError`]s when it cannot be read or the state
/// cannot be written.
pub fn backup(source: &Path, to: impl Write) -> Result<StateHash, SqliteError> {
    let mut writer = StateWriter::new(to)?;
    export(source, &mut writer, None)?;
    Ok(writer.finish()?.1)
}

/// Checks that a database is whole, and tells what it holds. A server may use it meanwhile.
///
/// # Errors
///
/// [`SqliteError::Damaged`] when it is not whole; other [`SqliteError`]s when it cannot be read.
pub fn verify(path: &Path) -> Result<StateHash, SqliteError> {
    let mut writer = StateWriter::hashing();
    export(path, &mut writer, None)?;
    Ok(writer.finish()?.1)
}

/// Makes a database of a state, in a file that does not exist yet.
///
/// # Errors
///
/// [`SqliteError`]; among them [`SqliteError::State`] when it is not the state that was expected. The file is removed
/// then.
pub fn restore(target: &Path, from: impl Read, expected: StateHash) -> Result<(), SqliteError> {
    File::options().create_new(true).write(true).open(target)?;
    let made = import(target, from, expected);
    if made.is_err() {
        // What went wrong before is the error to tell.
        let _ = fs::remove_file(target);
    }
    made
}

fn open(path: &Path) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn export(
    path: &Path,
    writer: &mut StateWriter<impl Write>,
    part: Option<&Part<'_>>,
) -> Result<(), SqliteError> {
    let mut connection = open(path)?;
    let moment = Transaction::new(&mut connection, TransactionBehavior::Deferred)?;
    let found: String = moment
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| SqliteError::Damaged(error.to_string()))?;
    if found != "ok" {
        return Err(SqliteError::Damaged(found));
    }
    let of = part.unwrap_or(&Part::ALL);
    let mut select = moment.prepare(RECORDS)?;
    let mut rows = select.query([of.within])?;
    while let Some(row) = rows.next()? {
        if !of.has(bytes(row, 0)?) {
            continue;
        }
        let (key, body) = (bytes(row, 0)?, bytes(row, 2)?);
        writer.row(&Row::Record { key, revision: row.get(1)?, body })?;
    }
    let mut select = moment.prepare(COUNTERS)?;
    let mut rows = select.query([of.within])?;
    while let Some(row) = rows.next()? {
        if !of.has(bytes(row, 0)?) {
            continue;
        }
        writer.row(&Row::Counter { key: bytes(row, 0)?, value: row.get(1)? })?;
    }
    let (mut select, mut entries) = (moment.prepare(STREAMS)?, moment.prepare(ENTRIES)?);
    let mut rows = select.query([of.within])?;
    while let Some(row) = rows.next()? {
        if !of.has(bytes(row, 1)?) {
            continue;
        }
        let (key, last_kept) = (bytes(row, 1)?, row.get(4)?);
        writer.row(&Row::Stream { key, seq: row.get(2)?, at: row.get(3)?, last_kept })?;
        let mut entries = entries.query([row.get::<_, i64>(0)?])?;
        while let Some(row) = entries.next()? {
            let (id, body) = (bytes(row, 1)?, bytes(row, 3)?);
            writer.row(&Row::Entry { seq: row.get(0)?, id, at: row.get(2)?, body })?;
        }
    }
    if part.is_some() {
        return Ok(writer.row(&Row::<&[u8]>::End { position: 0, revision: 0, settled: 0 })?);
    }
    let all: i64 = moment.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))?;
    if all != writer.entries() {
        return Err(SqliteError::Damaged(format!("{} entries belong to no log", all - writer.entries())));
    }
    let end = "SELECT position, revision, settled FROM progress";
    let (position, revision, settled) =
        moment.query_row(end, [], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))?;
    let mut select = moment.prepare(ANNOUNCEMENTS)?;
    let mut rows = select.query([settled])?;
    while let Some(row) = rows.next()? {
        let entry = match (absent(row, 2)?, row.get(3)?, row.get(4)?) {
            (Some(id), Some(seq), Some(at)) => Some((id, seq, at)),
            _ => None,
        };
        let (subject, body) = (bytes(row, 1)?, bytes(row, 5)?);
        writer.row(&Row::Announcement { position: row.get(0)?, subject, entry, body })?;
    }
    writer.row(&Row::<&[u8]>::End { position, revision, settled })?;
    Ok(())
}

fn import(target: &Path, from: impl Read, expected: StateHash) -> Result<(), SqliteError> {
    let mut reader = StateReader::new(from)?;
    let mut connection = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Nobody else sees the file, and whatever fails removes it.
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    schema::migrate(&mut connection)?;
    let transaction = connection.transaction()?;
    load(&transaction, &mut reader, None)?;
    transaction.commit()?;
    drop(connection);
    StateError::unless_same(expected, reader.finish())?;
    StateError::unless_same(expected, verify(target)?)?;
    File::open(target)?.sync_all()?;
    Ok(())
}

/// Inserts what is read; beside what is there already, when told the newest revision, stream id and number of an entry
/// that has no position.
fn load(
    transaction: &Transaction<'_>,
    reader: &mut StateReader<impl Read>,
    beside: Option<(i64, i64, i64)>,
) -> Result<(), SqliteError> {
    let mut record = transaction.prepare("INSERT INTO record (key, revision, body) VALUES (?1, ?2, ?3)")?;
    let mut counter = transaction.prepare("INSERT INTO counter (key, value) VALUES (?1, ?2)")?;
    let mut stream = transaction
        .prepare("INSERT INTO stream (id, key, seq, at, last_kept) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut entry = transaction
        .prepare("INSERT INTO entry (position, stream, seq, id, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut announcement = transaction.prepare(
        "INSERT INTO outbox (position, subject, id, seq, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut progress =
        transaction.prepare("UPDATE progress SET position = ?1, revision = ?2, stream = ?3, settled = ?4")?;
    let (mut revisions, mut streams, mut entries) = beside.unwrap_or_default();
    while let Some(row) = reader.row()? {
        match row {
            Row::Record { key, mut revision, body } => {
                if beside.is_some() {
                    revisions += 1;
                    revision = revisions;
                }
                record.execute(params![text(&key)?, revision, body])?
            }
            Row::Counter { key, value } => counter.execute(params![text(&key)?, value])?,
            Row::Stream { key, seq, at, last_kept } => {
                streams += 1;
                stream.execute(params![streams, text(&key)?, seq, at, last_kept])?
            }
            Row::Entry { seq, id, at, body } => {
                // What is yet to be announced is in the outbox; a position of an entry that is not is below all that
                // are given out.
                entries += 1;
                entry.execute(params![-entries, streams, seq, text(&id)?, at, body])?
            }
            Row::Announcement { position, subject, entry, body } => {
                let (id, seq, at) = match &entry {
                    Some((id, seq, at)) => (Some(text(id)?), Some(*seq), Some(*at)),
                    None => (None, None, None),
                };
                announcement.execute(params![position, text(&subject)?, id, seq, at, body])?
            }
            Row::End { .. } if beside.is_some() => {
                let sql = "UPDATE progress SET revision = ?1, stream = ?2";
                transaction.execute(sql, params![revisions, streams])?
            }
            Row::End { position, revision, settled } => {
                progress.execute(params![position, revision, streams, settled])?
            }
        };
    }
    Ok(())
}

/// Writes a part of the state of a database as [`backup`] writes all of it.
///
/// # Errors
///
/// As [`backup`].
pub fn export_part(source: &Path, part: &Part<'_>, to: impl Write) -> Result<StateHash, SqliteError> {
    let mut writer = StateWriter::new(to)?;
    export(source, &mut writer, Some(part))?;
    Ok(writer.finish()?.1)
}

/// Adds a part to the state of a database that no server uses, and one to the counter `one_more`: all or nothing.
///
/// # Errors
///
/// [`SqliteError::Taken`] when some of it is there already, [`SqliteError::InUse`], and others.
pub fn import_part(
    target: &Path,
    from: impl Read,
    expected: StateHash,
    one_more: &str,
) -> Result<(), SqliteError> {
    let _lock = store::lock(&SqliteConfig::new(target))?;
    let mut reader = StateReader::new(from)?;
    let mut connection = schema::connect(target, Durability::Full)?;
    schema::migrate(&mut connection)?;
    let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
    let newest =
        "SELECT revision, stream, (SELECT max(0, -ifnull(min(position), 0)) FROM entry) FROM progress";
    let newest = transaction.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    load(&transaction, &mut reader, Some(newest)).map_err(SqliteError::if_taken)?;
    let more = "INSERT INTO counter VALUES (?1, 1) ON CONFLICT (key) DO UPDATE SET value = value + 1";
    transaction.execute(more, [one_more])?;
    StateError::unless_same(expected, reader.finish())?;
    Ok(transaction.commit()?)
}

fn text(bytes: &[u8]) -> Result<&str, StateError> {
    std::str::from_utf8(bytes).map_err(|_| StateError::Damaged("a key or an id is no text"))
}

fn bytes<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(column)?.as_bytes()?)
}

fn absent<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<&'a [u8]>> {
    Ok(row.get_ref(column)?.as_bytes_or_null()?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use chime_domain::conformance::things::{append, batch, key, put};
    use chime_domain::conformance::{block_on, drive};
    use chime_domain::ports::{Change, Outbox, Position, Scan, Store};

    use super::*;
    use crate::sqlite::{SqliteConfig, SqliteStore};

    fn records(path: &Path) -> usize {
        let store = SqliteStore::open(SqliteConfig::new(path)).unwrap();
        let scan = Scan { prefix: "r/".into(), after: None, before: None, limit: usize::MAX };
        drive(block_on, store.scan(scan)).unwrap().len()
    }

    #[test]
    fn a_copy_under_load_is_whole_and_holds_what_was_committed_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("chime.db"), directory.path().join("copy.db"));
        let store = SqliteStore::open(SqliteConfig::new(&path)).unwrap();
        let write = |n: usize| {
            let record = put(key(&format!("r/{n:06}")).as_str(), &"x".repeat(500));
            drive(block_on, store.commit(batch([record]))).unwrap();
        };
        (0..200).for_each(write);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut n = 200;
                while !stop.load(Ordering::Relaxed) {
                    write(n);
                    n += 1;
                }
                n
            });
            let mut state = Vec::new();
            let hash = backup(&path, &mut state).unwrap();
            restore(&copy, state.as_slice(), hash).unwrap();
            assert_eq!(verify(&copy).unwrap(), hash);
            stop.store(true, Ordering::Relaxed);
            let written = writer.join().unwrap();
            assert_ne!(verify(&path).unwrap(), hash, "the writer went on");
            let copied = records(&copy);
            assert!((200..=written).contains(&copied), "{copied} of {written}");
        });
    }

    #[test]
    fn an_idle_database_and_its_copy_have_one_hash_and_any_change_another() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("chime.db"), directory.path().join("copy.db"));
        let store = SqliteStore::open(SqliteConfig::new(&path)).unwrap();
        drive(block_on, store.commit(batch([put("r/1", "one"), put("r/2", "two")]))).unwrap();
        let mut state = Vec::new();
        let hash = backup(&path, &mut state).unwrap();
        restore(&copy, state.as_slice(), hash).unwrap();
        assert_eq!(verify(&path).unwrap(), hash);
        assert_eq!(verify(&copy).unwrap(), hash);
        drive(block_on, store.commit(batch([put("r/2", "TWO")]))).unwrap();
        let other = verify(&path).unwrap();
        assert_ne!(other, hash);
        let again = restore(&copy, state.as_slice(), hash);
        assert!(matches!(again, Err(SqliteError::Io(_))), "no copy is written over");
        let third = directory.path().join("third.db");
        let wrong = restore(&third, state.as_slice(), other);
        assert!(matches!(wrong, Err(SqliteError::State(StateError::Differs { .. }))), "{wrong:?}");
        assert!(!third.exists(), "nothing is left of a restore that failed");
    }

    #[test]
    fn a_restored_store_announces_what_was_not_carried_on_and_goes_on_behind_it() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("chime.db"), directory.path().join("copy.db"));
        let store = SqliteStore::open(SqliteConfig::new(&path)).unwrap();
        let log = key("log");
        for n in 1..=4 {
            drive(block_on, store.commit(batch([append("log", &format!("e{n}"), n)]))).unwrap();
        }
        drive(block_on, store.settle(Position(2))).unwrap();
        drive(block_on, store.commit(batch([Change::Remove { stream: log.clone(), id: "e3".into() }])))
            .unwrap();
        let read = |store: &SqliteStore| {
            let all = drive(block_on, store.announced(Position(2), 10)).unwrap();
            let mut told = Vec::new();
            for one in all {
                told.push((one.position, one.subject, one.entry, one.record));
            }
            told
        };
        let told = read(&store);
        assert_eq!(told.len(), 2);
        let mut state = Vec::new();
        let hash = backup(&path, &mut state).unwrap();
        restore(&copy, state.as_slice(), hash).unwrap();
        let copy = SqliteStore::open(SqliteConfig::new(&copy)).unwrap();
        assert_eq!(drive(block_on, copy.settled()).unwrap(), Position(2));
        assert_eq!(read(&copy), told);
        for store in [&store, &copy] {
            drive(block_on, store.commit(batch([append("log", "e5", 5)]))).unwrap();
            let found = drive(block_on, store.entry(&log, &"e5".into())).unwrap().unwrap();
            assert_eq!(found.stamp.seq, 5);
        }
        assert_eq!(read(&copy), read(&store));
        assert_eq!(verify(&directory.path().join("copy.db")).unwrap(), verify(&path).unwrap());
    }

    #[test]
    fn a_damaged_database_does_not_pass() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chime.db");
        let store = SqliteStore::open(SqliteConfig::new(&path)).unwrap();
        let changes = (0..500).map(|n| put(&format!("r/{n}"), &"x".repeat(200)));
        drive(block_on, store.commit(batch(changes))).unwrap();
        drop(store);
        verify(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.chunks_mut(4096).skip(12).for_each(|page| page.fill(0xa5));
        fs::write(&path, bytes).unwrap();
        assert!(verify(&path).is_err());
        assert!(backup(&path, std::io::sink()).is_err());
    }
}
