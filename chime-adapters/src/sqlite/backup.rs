//! Copies of a database while a server uses it, and what tells that two hold the same.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use sha2::{Digest, Sha256};

use super::SqliteError;

/// A digest of everything that a database holds: records with their revisions, counters, logs, the outbox and how far
/// it has got. It does not depend on where in the file something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHash([u8; 32]);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is hashed, each in an order of its own.
const TABLES: [(&str, &str); 6] = [
    ("record", "SELECT key, revision, body FROM record ORDER BY key"),
    ("counter", "SELECT key, value FROM counter ORDER BY key"),
    ("stream", "SELECT key, seq, at, last_kept FROM stream ORDER BY key"),
    (
        "entry",
        "SELECT entry.position, stream.key, entry.seq, entry.id, entry.at, entry.body \
         FROM entry LEFT JOIN stream ON stream.id = entry.stream ORDER BY entry.position",
    ),
    ("outbox", "SELECT position, subject, id, seq, at, body FROM outbox ORDER BY position"),
    ("progress", "SELECT position, revision, settled FROM progress"),
];

/// Copies a database as of one moment into a file that does not exist yet. A server may use it meanwhile: neither
/// waits for the other, except that the log beside the database grows until the copy is made.
///
/// # Errors
///
/// [`SqliteError`]. The file is removed then.
pub fn backup(source: &Path, target: &Path) -> Result<StateHash, SqliteError> {
    File::options().create_new(true).write(true).open(target)?;
    let copied = copy(source, target);
    if copied.is_err() {
        // The error of the copy is the one to tell.
        let _ = fs::remove_file(target);
    }
    copied
}

fn copy(source: &Path, target: &Path) -> Result<StateHash, SqliteError> {
    let mut from = open(source)?;
    // Hash and copy read the same moment: that of the transaction.
    let moment = Transaction::new(&mut from, TransactionBehavior::Deferred)?;
    let expected = hash(&moment)?;
    let mut to = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let copy = Backup::new(&moment, &mut to)?;
    while copy.step(-1)? != StepResult::Done {
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(copy);
    // The copy is one file, without a log beside it.
    to.pragma_update(None, "journal_mode", "DELETE")?;
    drop(to);
    File::open(target)?.sync_all()?;
    let found = verify(target)?;
    if found != expected {
        return Err(SqliteError::Damaged("the copy does not hold what was copied".into()));
    }
    Ok(expected)
}

/// Checks that a database is whole, and tells what it holds. A server may use it meanwhile.
///
/// # Errors
///
/// [`SqliteError::Damaged`] when it is not whole; other [`SqliteError`]s when it cannot be read.
pub fn verify(path: &Path) -> Result<StateHash, SqliteError> {
    let mut connection = open(path)?;
    let moment = Transaction::new(&mut connection, TransactionBehavior::Deferred)?;
    let found: String = moment
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| SqliteError::Damaged(error.to_string()))?;
    if found != "ok" {
        return Err(SqliteError::Damaged(found));
    }
    let astray = "SELECT count(*) FROM entry WHERE stream NOT IN (SELECT id FROM stream)";
    let astray: i64 = moment.query_row(astray, [], |row| row.get(0))?;
    if astray > 0 {
        return Err(SqliteError::Damaged(format!("{astray} entries belong to no log")));
    }
    hash(&moment)
}

fn open(path: &Path) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn hash(connection: &Connection) -> Result<StateHash, SqliteError> {
    let mut hash = Sha256::new();
    for (name, select) in TABLES {
        hash.update(name);
        let mut select = connection.prepare(select)?;
        let columns = select.column_count();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                // Kind and length go before the value, so that no two rows read alike.
                let mut field = |kind: u8, bytes: &[u8]| {
                    hash.update([kind]);
                    hash.update((bytes.len() as u64).to_be_bytes());
                    hash.update(bytes);
                };
                match row.get_ref(column)? {
                    ValueRef::Null => field(0, &[]),
                    ValueRef::Integer(number) => field(1, &number.to_be_bytes()),
                    ValueRef::Real(number) => field(2, &number.to_be_bytes()),
                    ValueRef::Text(text) => field(3, text),
                    ValueRef::Blob(bytes) => field(4, bytes),
                }
            }
        }
    }
    Ok(StateHash(hash.finalize().into()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use chime_domain::conformance::things::{batch, key, put};
    use chime_domain::conformance::{block_on, drive};
    use chime_domain::ports::{Scan, Store};

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
            let hash = backup(&path, &copy).unwrap();
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
        let hash = backup(&path, &copy).unwrap();
        assert_eq!(verify(&path).unwrap(), hash);
        drive(block_on, store.commit(batch([put("r/2", "TWO")]))).unwrap();
        assert_ne!(verify(&path).unwrap(), hash);
        assert!(matches!(backup(&path, &copy), Err(SqliteError::Io(_))), "no copy is written over");
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
        assert!(backup(&path, &directory.path().join("copy.db")).is_err());
        assert!(!directory.path().join("copy.db").exists());
    }
}
