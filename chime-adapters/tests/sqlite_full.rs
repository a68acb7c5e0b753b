//! A full disk refuses commits clearly, and the store goes on by itself once there is room.
//!
//! The limit on file sizes stands for the disk's end. It holds for the whole process: this file has one test.
#![cfg(all(target_os = "linux", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chime_adapters::sqlite::{SqliteConfig, SqliteStore};
use chime_domain::conformance::things::{append, batch, key, put};
use chime_domain::conformance::{block_on, drive};
use chime_domain::error::StoreError;
use chime_domain::ports::{Committed, Scan, Store};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn end_of_disk(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

#[test]
fn a_full_disk_refuses_commits_and_the_store_goes_on_once_there_is_room() {
    // Without a handler the signal of the limit would end the process.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false))).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let config = SqliteConfig::new(directory.path().join("chime.db"));
    let store = SqliteStore::open(config.clone()).unwrap();
    let text = "x".repeat(20_000);
    let commit = |store: &SqliteStore, n: usize| -> Result<Committed, StoreError> {
        let changes = [put(&format!("record/{n:05}"), &text), append("s", &n.to_string(), 0)];
        drive(block_on, store.commit(batch(changes)))
    };
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        end_of_disk(Some(1_000_000 * (round as u64 + 1)));
        let mut refused = 0;
        for n in round * 1000.. {
            match commit(&store, n) {
                Ok(_) => acknowledged.push(n),
                Err(StoreError::Unavailable { reason, source: Some(_) }) => {
                    assert!(reason.contains("disk"), "{reason}");
                    let found = drive(block_on, store.get(&[key(&format!("record/{n:05}"))])).unwrap();
                    assert_eq!(found, [None], "a refused batch is seen");
                    refused += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
            if refused == 5 {
                break;
            }
        }
        let first = acknowledged[0];
        let found = drive(block_on, store.get(&[key(&format!("record/{first:05}"))])).unwrap();
        assert!(found[0].is_some(), "a full disk can still be read");
        end_of_disk(None);
        let next = round * 1000 + 999;
        commit(&store, next).unwrap();
        acknowledged.push(next);
    }
    let kept = |store: &SqliteStore| {
        let scan = Scan { prefix: "record/".to_owned(), after: None, before: None, limit: usize::MAX };
        let found = drive(block_on, store.scan(scan)).unwrap();
        found.into_iter().map(|(key, _)| key.last().parse().unwrap()).collect::<Vec<usize>>()
    };
    assert_eq!(kept(&store), acknowledged);
    drop(store);
    let store = SqliteStore::open(config).unwrap();
    assert_eq!(kept(&store), acknowledged);
    let head = drive(block_on, store.heads(&[key("s")])).unwrap()[0];
    assert_eq!(head.seq, acknowledged.len() as u64);
}
