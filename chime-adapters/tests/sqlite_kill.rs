//! A process that is killed while it writes loses nothing that it acknowledged.
#![cfg(all(unix, feature = "sqlite"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chime_adapters::sqlite::{SqliteConfig, SqliteStore};
use chime_domain::conformance::things::{append, batch, count, key, put, thing};
use chime_domain::conformance::{block_on, drive};
use chime_domain::ports::{Announce, Batch, EntryQuery, Order, Outbox, Position, Scan, Store};
use chime_domain::time::Timestamp;

const WRITERS: usize = 16;

/// Writes until it is killed, and tells each acknowledged entry with its sequence number.
fn write_for_ever(path: &Path) {
    let store = Arc::new(SqliteStore::open(SqliteConfig::new(path)).unwrap());
    let round = drive(block_on, store.heads(&[key("s")])).unwrap()[0].seq;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                for n in 0_u64.. {
                    let id = format!("{round}-{writer}-{n}");
                    let changes =
                        [append("s", &id, 0), put(&format!("record/{id}"), &id), count("n", 1, None)];
                    let announce = vec![Announce { subject: key("x"), record: thing(&id) }];
                    let done = drive(block_on, store.commit(Batch { announce, ..batch(changes) })).unwrap();
                    println!("acknowledged {id} {}.", done.stamps[0].seq);
                }
            });
        }
    });
}

/// Run by the other test, which writes the path to standard input; alone it does nothing.
#[test]
#[ignore = "the child of the other test"]
fn child() {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).unwrap();
    if !path.is_empty() {
        write_for_ever(Path::new(path.trim_end()));
    }
}

fn entry_of(line: &str) -> Option<(String, u64)> {
    // The line may begin with what the test harness printed.
    let (_, told) = line.split_once("acknowledged ")?;
    let told = told.strip_suffix('.')?;
    let (id, seq) = told.split_once(' ')?;
    Some((id.to_owned(), seq.parse().ok()?))
}

#[test]
fn a_killed_process_loses_no_acknowledged_batch_and_announces_exactly_what_it_keeps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chime.db");
    let mut acknowledged = HashMap::new();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", path.display()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = acknowledged.len() + 150 + round * 97;
        while acknowledged.len() < wanted {
            let line = lines.next().expect("the child ended by itself").unwrap();
            acknowledged.extend(entry_of(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had written to the pipe before it died was acknowledged too; the last line may be cut.
        acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| entry_of(&line)));
        let whole = rusqlite::Connection::open(&path).unwrap();
        let verdict: String = whole.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
        drop(whole);
        check(&path, &acknowledged);
    }
}

fn check(path: &Path, acknowledged: &HashMap<String, u64>) {
    let store = SqliteStore::open(SqliteConfig::new(path)).unwrap();
    let (entries, announced, counted, records) = drive(block_on, async {
        let query = EntryQuery {
            stream: key("s"),
            not_before: Timestamp::MIN,
            not_after: Timestamp::MAX,
            behind: None,
            order: Order::Ascending,
            limit: usize::MAX,
        };
        let scan = Scan { prefix: "record/".to_owned(), after: None, before: None, limit: usize::MAX };
        (
            store.entries(query).await.unwrap(),
            store.announced(Position::default(), usize::MAX).await.unwrap(),
            store.count(&key("n")).await.unwrap(),
            store.scan(scan).await.unwrap(),
        )
    });
    let kept: HashMap<String, u64> =
        entries.iter().map(|entry| (entry.id.to_string(), entry.stamp.seq)).collect();
    for (id, seq) in acknowledged {
        assert_eq!(kept.get(id), Some(seq), "the acknowledged entry {id} is lost or moved");
    }
    let total = entries.len() as u64;
    assert!(entries.iter().map(|entry| entry.stamp.seq).eq(1..=total));
    assert_eq!((counted, records.len() as u64), (total, total), "a batch is there in part");
    let of_entries = announced.iter().filter_map(|announced| announced.entry.as_ref());
    assert!(of_entries.map(|(_, stamp)| stamp.seq).eq(1..=total), "what is kept is not what is announced");
    assert_eq!(announced.iter().filter(|announced| announced.entry.is_none()).count() as u64, total);
}
