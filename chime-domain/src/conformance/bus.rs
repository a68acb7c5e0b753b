//! Claims about an event bus.

use std::sync::Arc;
use std::thread;

use super::run::{Run, drive};
use super::things::{key, thing};
use crate::ports::{Announced, Bus, Position, Subscription};

type Subject = Arc<dyn Bus>;

fn announced(position: u64) -> Announced {
    let (subject, record) = (key(&format!("s/{}", position % 3)), thing(&position.to_string()));
    Announced { position: Position(position), subject, record, entry: None }
}

fn run_of(positions: impl IntoIterator<Item = u64>) -> Arc<[Announced]> {
    positions.into_iter().map(announced).collect()
}

async fn receive(subscription: &mut Box<dyn Subscription>, count: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        let run = subscription.next().await.unwrap();
        for got in run.iter() {
            let sent = announced(got.position.0);
            assert_eq!((&got.subject, &got.record, &got.entry), (&sent.subject, &sent.record, &sent.entry));
            positions.push(got.position.0);
        }
    }
    positions
}

pub async fn every_subscriber_receives_everything_in_order(bus: Subject) {
    let mut one = bus.subscribe().await.unwrap();
    let mut other = bus.subscribe().await.unwrap();
    bus.publish(run_of(1..=3)).await.unwrap();
    bus.publish(run_of(4..=4)).await.unwrap();
    assert_eq!(receive(&mut one, 4).await, [1, 2, 3, 4]);
    assert_eq!(receive(&mut other, 4).await, [1, 2, 3, 4]);
}

pub async fn a_subscriber_receives_what_is_published_from_then_on(bus: Subject) {
    let mut early = bus.subscribe().await.unwrap();
    bus.publish(run_of(1..=1)).await.unwrap();
    assert_eq!(receive(&mut early, 1).await, [1]);
    let mut late = bus.subscribe().await.unwrap();
    bus.publish(run_of(2..=2)).await.unwrap();
    assert_eq!(receive(&mut late, 1).await, [2]);
    assert_eq!(receive(&mut early, 1).await, [2]);
}

pub async fn publishing_without_subscribers_is_well(bus: Subject) {
    bus.publish(run_of(1..=10)).await.unwrap();
}

pub async fn a_subscriber_that_left_holds_nobody_up(bus: Subject) {
    let left = bus.subscribe().await.unwrap();
    let mut stayed = bus.subscribe().await.unwrap();
    drop(left);
    for n in 1..=2000 {
        bus.publish(run_of([n])).await.unwrap();
        assert_eq!(receive(&mut stayed, 1).await, [n]);
    }
}

pub fn a_slow_subscriber_loses_nothing(bus: Subject, run: Run) {
    const RUNS: u64 = 3000;
    let mut slow = drive(run, bus.subscribe()).unwrap();
    thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            drive(run, async {
                for n in 1..=RUNS {
                    bus.publish(run_of([n])).await.unwrap();
                }
            });
        });
        let received = drive(run, async {
            let mut received = Vec::new();
            while received.len() < RUNS as usize {
                received.extend(receive(&mut slow, 1).await);
                if received.len() % 100 == 0 {
                    thread::yield_now();
                }
            }
            received
        });
        assert!(received.into_iter().eq(1..=RUNS));
        publisher.join().unwrap();
    });
}
