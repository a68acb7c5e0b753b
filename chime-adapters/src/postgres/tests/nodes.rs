//! Several stores on one database, as several processes have it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chime_domain::conformance::drive;
use chime_domain::conformance::things::{Dice, all, append, batch, count, guard, key, put, thing};
use chime_domain::error::StoreError;
use chime_domain::ports::{Announced, Batch, Change, Outbox, Position, Store};
use tokio::time::Instant;

use super::*;
use crate::memory::InProcessBus;
use crate::servers::psql;

async fn nodes(wire: impl Fn() -> Wire, count: usize) -> (Vec<Arc<PostgresStore>>, String) {
    let database = Postgres::shared().database();
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(open(config(&database).with_wire(wire())).await));
    }
    (nodes, database)
}

/// Everything that a node announces, until there is so much.
async fn announced(node: &PostgresStore, count: usize) -> Vec<Announced> {
    let mut seen: Vec<Announced> = Vec::new();
    while seen.len() < count {
        let after = seen.last().map_or(Position::default(), |last| last.position);
        node.wait_past(after).await;
        seen.extend(node.announced(after, 100).await.unwrap());
    }
    seen
}

fn by_bus() -> impl Fn() -> Wire {
    let bus = Arc::new(InProcessBus::new());
    move || Wire::Bus(bus.clone())
}

/// Writers on every node, all on a few streams; what each node announces.
async fn race(nodes: &[Arc<PostgresStore>], each: usize) -> Vec<Vec<Announced>> {
    let mut writers = tokio::task::JoinSet::new();
    for (place, node) in nodes.iter().enumerate() {
        for writer in 0..4 {
            let node = Arc::clone(node);
            writers.spawn(async move {
                for n in 0..each {
                    let stream = format!("s{}", (n + writer) % 3);
                    let id = format!("{place}-{writer}-{n}");
                    node.commit(batch([append(&stream, &id, n as i64), count("n", 1, None)])).await.unwrap();
                }
            });
        }
    }
    let total = nodes.len() * 4 * each;
    let seen = futures_util::future::join_all(nodes.iter().map(|node| announced(node, total)));
    let seen = tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap();
    writers.join_all().await;
    seen
}

fn check_race(seen: &[Vec<Announced>], total: usize) {
    let form = |one: &Announced| {
        let (id, stamp) = one.entry.clone().unwrap();
        (one.position.0, one.subject.to_string(), id.to_string(), stamp.seq)
    };
    let first: Vec<_> = seen[0].iter().map(form).collect();
    assert!(first.iter().map(|one| one.0).eq(1..=total as u64), "positions have gaps or another order");
    for other in seen {
        assert_eq!(other.iter().map(form).collect::<Vec<_>>(), first);
    }
    let mut last: HashMap<&str, u64> = HashMap::new();
    for (_, stream, _, seq) in &first {
        let before = last.insert(stream, *seq).unwrap_or_default();
        assert_eq!(*seq, before + 1, "{stream} is announced in another order than its own");
    }
}

#[test]
fn nodes_on_a_bus_announce_everything_once_in_one_order() {
    drive(run, async {
        let (nodes, _) = nodes(by_bus(), 3).await;
        let seen = race(&nodes, 40).await;
        check_race(&seen, 3 * 4 * 40);
        assert_eq!(nodes[0].count(&key("n")).await.unwrap(), 480);
        let entries = nodes[1].entries(all("s1")).await.unwrap();
        assert!(entries.iter().map(|entry| entry.stamp.seq).eq(1..=entries.len() as u64));
    });
}

#[test]
fn nodes_that_are_only_notified_announce_everything_once_in_one_order() {
    drive(run, async {
        let (nodes, _) = nodes(|| Wire::Notify, 2).await;
        check_race(&race(&nodes, 40).await, 2 * 4 * 40);
    });
}

#[test]
fn a_notified_node_hears_of_a_commit_at_once() {
    drive(run, async {
        let (nodes, _) = nodes(|| Wire::Notify, 2).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut least = Duration::MAX;
        for n in 0..5 {
            let done = nodes[0].commit(batch([append("s", &n.to_string(), n)])).await.unwrap();
            let started = Instant::now();
            nodes[1].wait_past(Position(done.position.0 - 1)).await;
            least = least.min(started.elapsed());
        }
        assert!(least < Duration::from_millis(300), "{least:?}");
    });
}

/// A bus that carries nothing, or every other run, late.
#[derive(Debug)]
struct Lossy(InProcessBus, std::sync::atomic::AtomicUsize, usize);

#[async_trait::async_trait]
impl chime_domain::ports::Bus for Lossy {
    async fn publish(&self, run: Arc<[Announced]>) -> Result<(), StoreError> {
        let n = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if self.2 > 0 && n.is_multiple_of(self.2) { self.0.publish(run).await } else { Ok(()) }
    }

    async fn subscribe(&self) -> Result<Box<dyn chime_domain::ports::Subscription>, StoreError> {
        self.0.subscribe().await
    }
}

#[test]
fn what_the_bus_loses_is_found_in_the_outbox() {
    drive(run, async {
        for carried in [0, 2, 3] {
            let bus = Arc::new(Lossy(InProcessBus::new(), 0.into(), carried));
            let (nodes, _) = nodes(|| Wire::Bus(bus.clone()), 2).await;
            check_race(&race(&nodes, 20).await, 2 * 4 * 20);
        }
    });
}

#[test]
fn a_node_sees_at_once_what_another_has_committed() {
    drive(run, async {
        let (nodes, _) = nodes(by_bus(), 2).await;
        for n in 0..50 {
            let (one, other) = (&nodes[n % 2], &nodes[(n + 1) % 2]);
            let text = n.to_string();
            let done = one.commit(batch([put("a", &text), append("s", &text, 0)])).await.unwrap();
            assert_eq!(other.get(&[key("a")]).await.unwrap()[0].as_ref().unwrap().record, thing(&text));
            assert_eq!(other.heads(&[key("s")]).await.unwrap()[0].seq, n as u64 + 1);
            assert_eq!(other.newest().await.unwrap(), done.position);
        }
    });
}

#[test]
fn of_two_nodes_that_make_one_key_one_does() {
    drive(run, async {
        let (nodes, _) = nodes(by_bus(), 2).await;
        for n in 0..40 {
            let at = format!("new/{n}");
            let make = |node: usize| {
                let text = node.to_string();
                let changes = [put(&at, &text), append(&at, &text, 0), count(&at, 1, None)];
                nodes[node].commit(Batch { guards: vec![guard(&at, None)], ..batch(changes) })
            };
            let (one, other) = tokio::join!(make(0), make(1));
            assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1, "{one:?} {other:?}");
            assert_eq!(nodes[0].heads(&[key(&at)]).await.unwrap()[0].seq, 1);
            assert_eq!(nodes[0].count(&key(&at)).await.unwrap(), 1);
        }
    });
}

/// Two records of which each may only be changed while the other is as it was read: were guarded records not compared
/// at the end, both nodes would pass now and then, on the state before the other.
#[test]
fn a_guard_on_what_another_node_changes_meanwhile_never_passes() {
    drive(run, async {
        let (nodes, _) = nodes(by_bus(), 2).await;
        nodes[0].commit(batch([put("left", "0"), put("right", "0")])).await.unwrap();
        for n in 0..100 {
            let found = nodes[0].get(&[key("left"), key("right")]).await.unwrap();
            let revision = |place: usize| found[place].as_ref().map(|found| found.revision);
            let text = n.to_string();
            let left = Batch { guards: vec![guard("right", revision(1))], ..batch([put("left", &text)]) };
            let right = Batch { guards: vec![guard("left", revision(0))], ..batch([put("right", &text)]) };
            let (one, other) = tokio::join!(nodes[0].commit(left), nodes[1].commit(right));
            assert!(one.is_err() || other.is_err(), "both passed at {n}");
            assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
        }
    });
}

#[test]
fn no_update_is_lost_and_no_limit_passed_among_nodes() {
    drive(run, async {
        let (nodes, _) = nodes(by_bus(), 3).await;
        nodes[0].commit(batch([put("sum", "0")])).await.unwrap();
        let mut writers = tokio::task::JoinSet::new();
        for (place, node) in nodes.iter().cloned().enumerate() {
            writers.spawn(async move {
                let mut dice = Dice::new(place as u64);
                let mut made = 0;
                for n in 0..30 {
                    loop {
                        let found = node.get(&[key("sum")]).await.unwrap()[0].clone().unwrap();
                        let sum: u64 = found
                            .record
                            .read::<chime_domain::conformance::Thing>()
                            .unwrap()
                            .text
                            .parse()
                            .unwrap();
                        let guards = vec![guard("sum", Some(found.revision))];
                        match node
                            .commit(Batch { guards, ..batch([put("sum", &(sum + 1).to_string())]) })
                            .await
                        {
                            Ok(_) => break,
                            Err(StoreError::Conflict) => {
                                tokio::time::sleep(Duration::from_millis(dice.below(5))).await;
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                    let changes = [put(&format!("member/{place}-{n}"), "x"), count("members", 1, Some(50))];
                    match node.commit(batch(changes)).await {
                        Ok(_) => made += 1,
                        Err(StoreError::LimitReached { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                made
            });
        }
        let made: Vec<u64> = writers.join_all().await;
        assert_eq!(made.iter().sum::<u64>(), 50);
        let found = nodes[0].get(&[key("sum")]).await.unwrap()[0].clone().unwrap();
        assert_eq!(found.record, thing("90"));
    });
}

#[test]
fn a_stream_that_one_node_drops_and_another_appends_to_starts_over_or_goes_on() {
    drive(run, async {
        let (nodes, _) = nodes(by_bus(), 2).await;
        for n in 0..30 {
            nodes[0].commit(batch([append("s", "first", 0)])).await.unwrap();
            let drop =
                [Change::Remove { stream: key("s"), id: "first".into() }, Change::DropStream(key("s"))];
            let (dropped, appended) = tokio::join!(
                nodes[0].commit(batch(drop)),
                nodes[1].commit(batch([append("s", "second", 0)]))
            );
            dropped.unwrap();
            let seq = appended.unwrap().stamps[0].seq;
            let entries = nodes[0].entries(all("s")).await.unwrap();
            assert_eq!(
                entries.iter().map(|entry| (&*entry.id, entry.stamp.seq)).collect::<Vec<_>>(),
                [("second", seq)],
                "{n}"
            );
            let end =
                [Change::Remove { stream: key("s"), id: "second".into() }, Change::DropStream(key("s"))];
            nodes[1].commit(batch(end)).await.unwrap();
        }
    });
}

#[test]
fn the_outbox_forgets_what_every_node_has_carried_on() {
    drive(run, async {
        let (nodes, database) = nodes(by_bus(), 2).await;
        for n in 0..20 {
            nodes[0].commit(batch([append("s", &n.to_string(), n)])).await.unwrap();
        }
        let rows = || psql(&Postgres::shared().url(&database), "SELECT count(*) FROM outbox").unwrap();
        announced(&nodes[1], 20).await;
        nodes[0].settle(Position(20)).await.unwrap();
        nodes[1].settle(Position(12)).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while rows() != "8" {
            assert!(Instant::now() < deadline, "{} rows are left", rows());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(rows(), "8");
        nodes[1].settle(Position(20)).await.unwrap();
        // The newest stays: positions go on from it.
        while rows() != "1" {
            assert!(Instant::now() < deadline, "{} rows are left", rows());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn a_node_that_was_away_for_too_long_says_so_and_goes_on() {
    drive(run, async {
        let (nodes, database) = nodes(|| Wire::Notify, 1).await;
        nodes[0].commit(batch([append("s", "1", 1)])).await.unwrap();
        nodes[0].settle(Position(1)).await.unwrap();
        // As if others had gone on for long, and had forgotten it.
        let url = Postgres::shared().url(&database);
        psql(
            &url,
            "BEGIN; UPDATE outbox SET position = 100 WHERE position = 1; UPDATE outbox_floor SET position = 100; COMMIT",
        )
        .unwrap();
        let woken = tokio::time::timeout(Duration::from_secs(5), nodes[0].wait_past(Position(1))).await;
        woken.unwrap();
        assert_eq!(nodes[0].settled().await.unwrap(), Position(100));
        let done = nodes[0].commit(batch([append("s", "2", 2)])).await.unwrap();
        assert_eq!(done.position, Position(101));
        assert_eq!(nodes[0].announced(Position(100), 10).await.unwrap().len(), 1);
    });
}

#[test]
fn a_node_that_starts_late_begins_at_the_newest_announcement() {
    drive(run, async {
        let (nodes, database) = nodes(by_bus(), 1).await;
        nodes[0].commit(batch([append("s", "1", 1)])).await.unwrap();
        let late = open(config(&database).with_wire(Wire::Notify)).await;
        assert_eq!(late.settled().await.unwrap(), Position(1));
    });
}
