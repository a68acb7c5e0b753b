//! What a store does when its database is away, slow or overloaded.

use std::time::Duration;

use chime_domain::conformance::drive;
use chime_domain::conformance::things::{all, append, batch, count, key, put};
use chime_domain::error::StoreError;
use chime_domain::ports::{Outbox, Position, Store};
use tokio::time::Instant;

use super::proxy::{MARK, Proxy};
use super::*;
use crate::servers::{psql, until};

fn unavailable<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable { .. }))
}

async fn through(proxy: &Proxy, patience: Duration) -> PostgresStore {
    let database = Postgres::shared().database();
    open(PostgresConfig::new(&proxy.url(&database)).unwrap().with_patience(patience)).await
}

#[test]
fn a_commit_whose_answer_was_lost_is_told_as_what_it_became_and_made_once() {
    drive(run, async {
        for seen in [true, false] {
            let proxy = Proxy::start().await;
            let store = through(&proxy, Duration::from_secs(5)).await;
            store.commit(batch([append("s", "before", 1)])).await.unwrap();
            proxy.cut_at_mark(seen);
            let done = store
                .commit(batch([append("s", MARK, 2), put("a", MARK), count("n", 1, None)]))
                .await
                .unwrap();
            assert!(proxy.has_cut());
            assert_eq!(done.stamps[0].seq, 2);
            assert_eq!(store.count(&key("n")).await.unwrap(), 1);
            let entries = store.entries(all("s")).await.unwrap();
            assert_eq!(entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["before", MARK]);
            // The outbox has it too, though this node was not told where.
            store.wait_past(Position(1)).await;
            let announced = store.announced(Position::default(), 10).await.unwrap();
            assert_eq!(announced.len(), 2);
            assert!(done.position >= announced[1].position);
            let next = store.commit(batch([append("s", "after", 3)])).await.unwrap();
            assert_eq!(next.stamps[0].seq, 3);
        }
    });
}

#[test]
fn a_database_that_is_paused_is_told_within_patience_and_served_when_it_goes_on() {
    drive(run, async {
        let proxy = Proxy::start().await;
        let store = through(&proxy, Duration::from_millis(700)).await;
        store.commit(batch([put("a", "1")])).await.unwrap();
        store.get(&[key("a")]).await.unwrap();
        let wanted = [key("a")];
        proxy.hold(true);
        for _ in 0..2 {
            let started = Instant::now();
            let (written, read) =
                tokio::join!(store.commit(batch([count("n", 1, None)])), store.get(&wanted));
            assert!(unavailable(&written) && unavailable(&read), "{written:?} {read:?}");
            assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        }
        proxy.hold(false);
        let deadline = Instant::now() + Duration::from_secs(5);
        while store.commit(batch([put("a", "2")])).await.is_err() || store.get(&[key("a")]).await.is_err() {
            assert!(Instant::now() < deadline, "it did not recover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn sessions_that_the_database_ended_are_not_noticed_by_callers() {
    drive(run, async {
        let database = Postgres::shared().database();
        let store = open(config(&database)).await;
        for n in 0..5 {
            store.commit(batch([append("s", &n.to_string(), n)])).await.unwrap();
            assert_eq!(store.entries(all("s")).await.unwrap().len(), n as usize + 1);
            let url = Postgres::shared().url("postgres");
            let sql = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
            );
            psql(&url, &sql).unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(store.heads(&[key("s")]).await.unwrap()[0].seq, 5);
    });
}

#[test]
fn a_full_queue_answers_busy_and_those_in_it_are_committed() {
    drive(run, async {
        let database = Postgres::shared().database();
        let store = open(config(&database).with_committers(1).with_queue(2)).await;
        store.commit(batch([put("a", "x")])).await.unwrap();
        let store = std::sync::Arc::new(store);
        let mut other =
            tokio_postgres::connect(&Postgres::shared().url(&database), tokio_postgres::NoTls).await.unwrap();
        let (beside, connection) = (&mut other.0, other.1);
        tokio::spawn(connection);
        let lock = beside.transaction().await.unwrap();
        lock.batch_execute(&format!("SELECT pg_advisory_xact_lock({})", 0x6368_696d_6500_0003_i64))
            .await
            .unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        let mut refused = 0;
        for _ in 0..30 {
            let store = std::sync::Arc::clone(&store);
            waiting.spawn(async move { store.commit(batch([count("n", 1, None)])).await });
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        lock.rollback().await.unwrap();
        let mut done = 0;
        while let Some(outcome) = waiting.join_next().await {
            match outcome.unwrap() {
                Ok(_) => done += 1,
                Err(StoreError::Unavailable { reason, .. }) if reason.contains("busy") => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(done >= 3 && refused >= 20, "{done} were committed, {refused} refused");
        assert_eq!(store.count(&key("n")).await.unwrap(), done);
    });
}

#[test]
fn a_batch_that_the_database_cannot_take_fails_alone() {
    drive(run, async {
        let database = Postgres::shared().database();
        let store = open(config(&database).with_committers(1)).await;
        store.commit(batch([put("a", "x")])).await.unwrap();
        psql(
            &Postgres::shared().url(&database),
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.key = 'poison' THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER poison BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION poison()",
        )
        .unwrap();
        let commits = (0..20).map(|n| {
            let at = if n == 11 { "poison".to_owned() } else { format!("record/{n}") };
            store.commit(batch([append("s", &n.to_string(), 0), put(&at, "x"), count("n", 1, None)]))
        });
        let outcomes = futures_util::future::join_all(commits).await;
        for (n, outcome) in outcomes.iter().enumerate() {
            assert_eq!(outcome.is_err(), n == 11, "{n}: {outcome:?}");
        }
        assert_eq!(store.count(&key("n")).await.unwrap(), 19);
        assert_eq!(store.heads(&[key("s")]).await.unwrap()[0].seq, 19);
        let announced = store.announced(Position::default(), 100).await.unwrap();
        assert!(announced.iter().map(|one| one.entry.as_ref().unwrap().1.seq).eq(1..=19));
        assert!(announced.iter().map(|one| one.position.0).eq(1..=19), "a refused batch left a gap");
    });
}

/// Lets the writers end, also when a claim does not hold.
struct Over<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9_of_the_database_under_load() {
    let mut server = Postgres::start(true);
    let url = server.url("postgres");
    let config = || PostgresConfig::new(&url).unwrap().with_patience(Duration::from_secs(2));
    let acknowledged = std::sync::Mutex::new(Vec::new());
    let store = std::sync::Arc::new(drive(run, open(config())));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (store, over, acknowledged) = (std::sync::Arc::clone(&store), &over, &acknowledged);
            scope.spawn(move || {
                drive(run, async {
                    let mut n = 0;
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        let id = format!("{writer}-{n}");
                        match store.commit(batch([append("s", &id, 0), count("n", 1, None)])).await {
                            Ok(done) => {
                                acknowledged.lock().unwrap().push((id, done.stamps[0].seq));
                                n += 1;
                            }
                            // Trying again is safe, because the id is taken if it was made after all.
                            Err(StoreError::Conflict) => n += 1,
                            Err(StoreError::Unavailable { .. }) => {
                                tokio::time::sleep(Duration::from_millis(20)).await
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            });
        }
        let ending = Over(&over);
        for _ in 0..3 {
            let before = acknowledged.lock().unwrap().len();
            until("progress", || acknowledged.lock().unwrap().len() > before + 50);
            server.kill();
            server.resume();
        }
        let before = acknowledged.lock().unwrap().len();
        until("going on after the last", || acknowledged.lock().unwrap().len() > before + 50);
        drop(ending);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    drive(run, async {
        let entries = store.entries(all("s")).await.unwrap();
        let kept: std::collections::HashMap<_, _> =
            entries.iter().map(|entry| (entry.id.to_string(), entry.stamp.seq)).collect();
        for (id, seq) in &acknowledged {
            assert_eq!(kept.get(id), Some(seq), "{id} was acknowledged at {seq}");
        }
        assert!(entries.iter().map(|entry| entry.stamp.seq).eq(1..=entries.len() as u64));
        assert_eq!(store.count(&key("n")).await.unwrap(), entries.len() as u64);
        store.newest().await.unwrap();
        store.wait_past(Position(entries.len() as u64 - 1)).await;
        let mut announced = Vec::new();
        while announced.len() < entries.len() {
            announced.extend(store.announced(Position(announced.len() as u64), 1000).await.unwrap());
        }
        assert!(announced.iter().map(|one| one.entry.as_ref().unwrap().1.seq).eq(1..=entries.len() as u64));
    });
}
