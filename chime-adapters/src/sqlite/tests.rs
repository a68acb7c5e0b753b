use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use chime_domain::conformance::things::{append, batch, count, key, pass, put, thing};
use chime_domain::conformance::{block_on, drive};
use chime_domain::error::StoreError;
use chime_domain::ports::{Announce, Batch, Key, Outbox, Position, Scan, Store};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

/// A database on a directory that goes away with the second part.
fn temporary(configure: impl Fn(SqliteConfig) -> SqliteConfig) -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let config = configure(SqliteConfig::new(directory.path().join("chime.db")));
    (SqliteStore::open(config).unwrap(), directory)
}

chime_domain::store_conformance!(guarded async { temporary(|config| config) });
chime_domain::outbox_conformance!(guarded async { temporary(|config| config) });

mod without_cache {
    use super::*;

    chime_domain::store_conformance!(guarded async { temporary(|config| config.with_cache(0).with_readers(1)) });
}

mod with_a_tiny_cache {
    use super::*;

    chime_domain::store_conformance!(guarded async { temporary(|config| config.with_cache(40_000)) });
}

mod durability {
    use super::*;

    chime_domain::store_durability!(
        |path| async move { SqliteStore::open(SqliteConfig::new(path)).unwrap() },
        tempfile::tempdir().unwrap()
    );
}

mod without_syncing {
    use super::*;

    chime_domain::store_durability!(
        |path| async move {
            let config = SqliteConfig::new(path).with_durability(Durability::Normal).with_cache(0);
            SqliteStore::open(config).unwrap()
        },
        tempfile::tempdir().unwrap()
    );
}

/// A connection beside the store, as an operator's tool has it.
fn beside(directory: &TempDir) -> Connection {
    Connection::open(directory.path().join("chime.db")).unwrap()
}

/// Lets a future take its first step.
fn start<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_database_of_a_newer_release_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chime.db");
    drop(SqliteStore::open(SqliteConfig::new(&path)).unwrap());
    beside(&directory).pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = SqliteStore::open(SqliteConfig::new(&path)).unwrap_err();
    assert!(matches!(refused, SqliteError::Newer { found: 99, known: 1 }), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[cfg(unix)]
#[test]
fn a_database_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (store, directory) = temporary(|config| config);
    drive(block_on, store.commit(batch([put("a", "b")]))).unwrap();
    let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "the database, its log and its lock");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", file.path());
    }
}

#[test]
fn a_database_is_opened_once_at_a_time() {
    let (store, directory) = temporary(|config| config);
    let config = SqliteConfig::new(directory.path().join("chime.db"));
    assert!(matches!(SqliteStore::open(config.clone()), Err(SqliteError::InUse)));
    drop(store);
    SqliteStore::open(config).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chime.db");
    std::fs::write(&path, "nothing of the kind ".repeat(1000)).unwrap();
    assert!(matches!(SqliteStore::open(SqliteConfig::new(path)), Err(SqliteError::Unusable(_))));
}

#[test]
fn a_damaged_database_answers_that_it_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chime.db");
    let open = || SqliteStore::open(SqliteConfig::new(&path)).unwrap();
    let keys: Vec<Key> = (0..500).map(|n| key(&format!("record/{n}"))).collect();
    let store = open();
    let changes = keys.iter().map(|key| put(key.as_str(), &"x".repeat(200)));
    drive(block_on, store.commit(batch(changes))).unwrap();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    // The first pages hold the schema, the rest the records.
    let pages = bytes.chunks_mut(4096).skip(12);
    pages.for_each(|page| page.fill(0xa5));
    std::fs::write(&path, bytes).unwrap();
    let store = open();
    let scan = Scan { prefix: "record/".to_owned(), after: None, before: None, limit: 1000 };
    let found = drive(block_on, store.scan(scan));
    assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{found:?}");
}

#[test]
fn a_full_queue_answers_busy_and_those_in_it_are_committed() {
    let (store, directory) = temporary(|config| config.with_queue(2));
    let other = beside(&directory);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut waiting = Vec::new();
    // The writer takes some and waits for the other connection; behind it there is room for two.
    let refused = loop {
        let mut commit = Box::pin(store.commit(batch([count("n", 1, None)])));
        match start(commit.as_mut()) {
            Poll::Pending => waiting.push(commit),
            Poll::Ready(outcome) => break outcome,
        }
    };
    assert!(matches!(&refused, Err(StoreError::Unavailable { reason, .. }) if reason.contains("busy")));
    assert!((2..=4).contains(&waiting.len()), "{} wait", waiting.len());
    other.execute_batch("ROLLBACK").unwrap();
    let waited = waiting.len() as u64;
    for commit in waiting {
        drive(block_on, commit).unwrap();
    }
    assert_eq!(drive(block_on, store.count(&key("n"))).unwrap(), waited);
}

#[test]
fn a_batch_that_the_database_cannot_take_fails_alone() {
    let (store, directory) = temporary(|config| config);
    let other = beside(&directory);
    other
        .execute_batch(
            "CREATE TRIGGER poison BEFORE INSERT ON record WHEN NEW.key = 'poison' \
             BEGIN SELECT RAISE (ABORT, 'poison'); END; BEGIN IMMEDIATE",
        )
        .unwrap();
    let mut commits: Vec<_> = (0..20)
        .map(|n| {
            let at = if n == 11 { "poison".to_owned() } else { format!("record/{n}") };
            let changes = [append("s", &n.to_string(), 0), put(&at, "x"), count("n", 1, None)];
            Box::pin(store.commit(batch(changes)))
        })
        .collect();
    // All but the first wait together for the other connection.
    for commit in &mut commits {
        assert!(start(commit.as_mut()).is_pending());
    }
    other.execute_batch("ROLLBACK").unwrap();
    for (n, commit) in commits.into_iter().enumerate() {
        let outcome = drive(block_on, commit);
        assert_eq!(outcome.is_err(), n == 11, "{n}: {outcome:?}");
    }
    assert_eq!(drive(block_on, store.count(&key("n"))).unwrap(), 19);
    assert_eq!(drive(block_on, store.heads(&[key("s")])).unwrap()[0].seq, 19);
    let announced = drive(block_on, store.announced(Position::default(), 100)).unwrap();
    assert!(announced.iter().map(|one| one.entry.as_ref().unwrap().1.seq).eq(1..=19));
}

#[test]
fn announcements_that_do_not_fit_into_memory_are_read_from_the_database() {
    let (store, _directory) = temporary(|config| config);
    let large = "x".repeat(1 << 20);
    for n in 0..40 {
        let announce = vec![Announce { subject: key("s"), record: thing(&format!("{n} {large}")) }];
        drive(block_on, store.commit(Batch { announce, ..batch([pass("s", &n.to_string(), n)]) })).unwrap();
    }
    let (mut position, mut seen) = (Position::default(), 0);
    loop {
        let page = drive(block_on, store.announced(position, 7)).unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.iter().all(|announced| announced.position > position));
        (position, seen) = (last.position, seen + page.len());
    }
    assert_eq!(seen, 80);
}

#[test]
fn what_is_settled_is_deleted_with_a_later_commit() {
    let (store, directory) = temporary(|config| config);
    for n in 0..10 {
        drive(block_on, store.commit(batch([pass("s", &n.to_string(), n)]))).unwrap();
    }
    let rows = || {
        beside(&directory).query_row("SELECT count(*) FROM outbox", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(rows(), 10);
    let newest = drive(block_on, store.newest()).unwrap();
    drive(block_on, store.settle(newest)).unwrap();
    drive(block_on, store.commit(batch([put("a", "x")]))).unwrap();
    assert_eq!(rows(), 0);
}

#[test]
fn a_counter_that_is_back_at_zero_leaves_no_row() {
    let (store, directory) = temporary(|config| config);
    for by in [3, -1, -2, 1, i64::MIN] {
        drive(block_on, store.commit(batch([count("n", by, None), count("other", 1, None)]))).unwrap();
    }
    let rows: i64 =
        beside(&directory).query_row("SELECT count(*) FROM counter", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
    drive(block_on, store.commit(batch([count("n", 2, Some(2))]))).unwrap();
    assert_eq!(drive(block_on, store.count(&key("n"))).unwrap(), 2);
}

#[test]
fn a_closed_store_leaves_one_file_with_everything() {
    let (store, directory) = temporary(|config| config);
    drive(block_on, store.commit(batch([put("a", "x")]))).unwrap();
    drop(store);
    let log = std::fs::metadata(directory.path().join("chime.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0);
}

#[test]
fn the_write_ahead_log_stays_bounded_under_steady_load() {
    let (store, directory) = temporary(|config| config.with_durability(Durability::Normal));
    let large = "x".repeat(1 << 20);
    let mut most = 0;
    for n in 0..200 {
        drive(block_on, store.commit(batch([put(&format!("record/{}", n % 20), &large)]))).unwrap();
        most = most.max(std::fs::metadata(directory.path().join("chime.db-wal")).unwrap().len());
    }
    assert!(most < 80 << 20, "the log grew to {most} bytes");
}
