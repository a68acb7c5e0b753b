//! A state that goes from store to store.

use chime_domain::conformance::things::{append, batch, count, key, pass, put};
use chime_domain::ports::{Change, Position, Store};

use super::*;
use crate::postgres::restore::import_in_blocks;
use crate::servers::{Postgres, psql};
use crate::state::{Part, StateError, StateHash};

fn database() -> PostgresConfig {
    config(&Postgres::shared().database())
}

/// Closes a store and waits until its lock is free.
async fn close(store: PostgresStore, config: &PostgresConfig) {
    drop(store);
    drop(open(config.clone()).await);
    let session = super::backup::session(config).await.unwrap();
    keep::take_in_time(&session, true, "the test waits").await.unwrap();
}

async fn fill(store: &dyn Store) {
    for round in 0..3 {
        let changes = [
            put(&format!("r/{round}"), "a record"),
            count("members", 2, None),
            append("log\u{0}one", &format!("e{round}"), round),
            pass("log\u{0}one", &format!("p{round}"), round),
            append("log/two", &format!("e{round}"), round),
        ];
        store.commit(batch(changes)).await.unwrap();
    }
    store.settle(Position(4)).await.unwrap();
    store.commit(batch([Change::Remove { stream: key("log/two"), id: "e1".into() }])).await.unwrap();
}

async fn told(store: &dyn Store, after: Position) -> Vec<String> {
    let all = store.announced(after, 100).await.unwrap();
    all.into_iter().map(|one| format!("{one:?} {:?}", one.record.bytes())).collect()
}

async fn saved(config: &PostgresConfig) -> (Vec<u8>, StateHash) {
    let mut state = Vec::new();
    let hash = backup(config, &mut state).await.unwrap();
    (state, hash)
}

#[test]
fn a_state_is_the_same_in_every_store_that_it_was_restored_into() {
    RUNTIME.block_on(async {
        let first = database();
        let store = open(first.clone()).await;
        fill(&store).await;
        close(store, &first).await;
        let (state, hash) = saved(&first).await;
        assert_eq!(verify(&first).await.unwrap(), hash);

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("chime.db");
        crate::sqlite::restore(&path, state.as_slice(), hash).unwrap();
        let mut of_sqlite = Vec::new();
        assert_eq!(crate::sqlite::backup(&path, &mut of_sqlite).unwrap(), hash);
        assert!(of_sqlite == state, "the streams are the same");

        let second = database();
        restore(&second, of_sqlite.as_slice(), hash).await.unwrap();
        assert_eq!(verify(&second).await.unwrap(), hash);

        let here = open(first.clone()).await;
        let there = open(second.clone()).await;
        let file = crate::sqlite::SqliteStore::open(crate::sqlite::SqliteConfig::new(&path)).unwrap();
        let stores: [&dyn Store; 3] = [&here, &there, &file];
        let mut after = Vec::new();
        for store in stores {
            let settled = store.settled().await.unwrap();
            let made = [append("log/two", "e9", 9), append("log/new", "e1", 9), put("r/1", "again")];
            let done = store.commit(batch(made)).await.unwrap();
            let record = store.get(&[key("r/1")]).await.unwrap().remove(0).unwrap();
            after.push((settled, done, record.revision, told(store, settled).await));
        }
        assert!(!after[0].3.is_empty());
        assert_eq!(after[0], after[1]);
        assert_eq!(after[0], after[2]);
    });
}

#[test]
fn a_counter_that_is_back_at_zero_leaves_no_row() {
    RUNTIME.block_on(async {
        let config = database();
        let store = open(config.clone()).await;
        for by in [3, -1, -2, 1, i64::MIN] {
            store.commit(batch([count("gone", by, None), count("other", 1, None)])).await.unwrap();
        }
        store.commit(batch([count("gone", 1, None), count("gone", -1, None)])).await.unwrap();
        let (state, _) = saved(&config).await;
        let has = |name: &str| state.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(has("other") && !has("gone"));
        store.commit(batch([count("gone", 2, Some(2))])).await.unwrap();
        assert_eq!(store.count(&key("gone")).await.unwrap(), 2);
    });
}

#[test]
fn a_backup_sees_one_moment_while_nodes_commit() {
    RUNTIME.block_on(async {
        let config = database();
        let store = std::sync::Arc::new(open(config.clone()).await);
        let (stop, writing) = (std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)), store.clone());
        let stopped = stop.clone();
        let writer = tokio::spawn(async move {
            let mut n = 0;
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                n += 1;
                let made = [append("log/a", &format!("{n}"), n), append("log/b", &format!("{n}"), n)];
                writing.commit(batch(made)).await.unwrap();
            }
        });
        let mut sizes = Vec::new();
        for _ in 0..5 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let (state, hash) = saved(&config).await;
            let copy = database();
            restore(&copy, state.as_slice(), hash).await.unwrap();
            let copy = open(copy).await;
            let heads = copy.heads(&[key("log/a"), key("log/b")]).await.unwrap();
            assert_eq!(heads[0].seq, heads[1].seq, "what was committed together is there together");
            sizes.push(heads[0].seq);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.await.unwrap();
        assert!(sizes.is_sorted() && sizes.first() < sizes.last(), "{sizes:?}");
    });
}

#[test]
fn a_state_is_restored_only_where_nothing_is_and_nobody_serves() {
    RUNTIME.block_on(async {
        let full = database();
        let store = open(full.clone()).await;
        fill(&store).await;
        let (state, hash) = saved(&full).await;
        let used = restore(&full, state.as_slice(), hash).await;
        assert!(matches!(used, Err(PostgresError::InUse(_))), "{used:?}");
        close(store, &full).await;
        let before = verify(&full).await.unwrap();
        let again = restore(&full, state.as_slice(), hash).await;
        assert!(matches!(again, Err(PostgresError::NotEmpty)), "{again:?}");
        assert_eq!(verify(&full).await.unwrap(), before);

        let empty = database();
        assert!(matches!(verify(&empty).await, Err(PostgresError::Empty)));
        for end in [state.len() - 1, state.len() / 2] {
            let cut = restore(&empty, &state[..end], hash).await;
            assert!(matches!(cut, Err(PostgresError::State(StateError::Damaged(_)))), "{cut:?}");
        }
        let wrong = restore(&empty, state.as_slice(), "0".repeat(64).parse().unwrap()).await;
        assert!(matches!(wrong, Err(PostgresError::State(StateError::Differs { .. }))), "{wrong:?}");
        // None of them left anything.
        restore(&empty, state.as_slice(), hash).await.unwrap();
        assert_eq!(verify(&empty).await.unwrap(), hash);
    });
}

#[test]
fn a_part_may_have_more_logs_than_a_block_has_ids_and_its_logs_go_on_beside_others() {
    RUNTIME.block_on(async {
        let (first, name) = (database(), Postgres::shared().database());
        let second = config(&name);
        let source = open(first.clone()).await;
        let log = |n: u32| format!("log/mine/{n}");
        for n in 0..10 {
            source.commit(batch([append(&log(n), "a", 1), append(&log(n), "b", 2)])).await.unwrap();
        }
        let part = Part { within: "mine", has: &|_| true };
        let mut exported = Vec::new();
        let hash = export_part(&first, &part, &mut exported).await.unwrap();

        let store = open(second.clone()).await;
        store.commit(batch([append("log/before", "a", 1)])).await.unwrap();
        import_in_blocks(&second, exported.as_slice(), hash, "parts", 4).await.unwrap();
        let sql = "SELECT count(DISTINCT id / 1048576) FROM stream WHERE convert_from(key, 'UTF8') LIKE 'log/mine/%'";
        assert_eq!(psql(&Postgres::shared().url(&name), sql).unwrap(), "4", "blocks of three logs");
        store.commit(batch([append("log/after", "a", 1), append(&log(3), "c", 3)])).await.unwrap();
        for n in 0..10 {
            let found = store.entry(&key(&log(n)), &"b".into()).await.unwrap().unwrap();
            assert_eq!(found.stamp.seq, 2, "{n}");
        }
        let heads = store.heads(&[key("log/before"), key("log/after"), key(&log(3))]).await.unwrap();
        assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [1, 1, 3]);
        let again = import_in_blocks(&second, exported.as_slice(), hash, "parts", 4).await;
        assert!(matches!(again, Err(PostgresError::Taken)), "{again:?}");
    });
}
