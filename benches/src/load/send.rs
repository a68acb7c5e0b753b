//! Senders of messages, each on a connection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::api::{Call, Client};
use super::clock::{micros, moment};
use super::mark::Mark;
use super::members::Members;
use super::tally::Times;
use super::world::World;

/// What senders do.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// So many messages a second, by all senders together, whatever the answers take. A message that is late because
    /// the one before was not acknowledged counts from when it should have been sent.
    Rate(f64),
    /// The next message as soon as the last is acknowledged.
    FlatOut,
    /// The same, but at most so many messages that not all members have received.
    Window(u64),
}

/// How messages are sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Senders.
    pub senders: u16,
    /// The first sender's number; every plan against the same members needs numbers of its own.
    pub first: u16,
    /// When to send.
    pub pace: Pace,
    /// For how long.
    pub lasting: Duration,
    /// Bytes of content.
    pub length: usize,
}

/// What was sent.
#[derive(Debug)]
pub struct Sent {
    /// Messages that were acknowledged.
    pub acknowledged: u64,
    /// Messages that were refused for good.
    pub refused: u64,
    /// Answers that asked a sender to come again later (429), which it did.
    pub throttled: u64,
    /// From sending until the acknowledgement.
    pub latency: Times,
    /// From the first message to the last acknowledgement, in seconds.
    pub seconds: f64,
}

#[derive(Debug)]
struct Progress {
    acknowledged: AtomicU64,
    /// Received by all members before.
    received: u64,
    members: u64,
}

/// Sends by a plan to the channel of a world, while `members` listen.
///
/// # Errors
///
/// When a connection fails.
pub async fn send(world: &World, members: &Arc<Members>, count: usize, plan: Plan) -> Result<Sent> {
    let progress = Arc::new(Progress {
        acknowledged: AtomicU64::new(0),
        received: members.delivered(),
        members: count.max(1) as u64,
    });
    let mut clients = Vec::new();
    for _ in 0..plan.senders {
        clients.push(Client::connect(world.address, world.keys.clone()).await?);
    }
    let begin = micros();
    let tasks: Vec<_> = clients
        .into_iter()
        .zip(0..plan.senders)
        .map(|(client, index)| {
            let (world, members) = (world.clone(), Arc::clone(members));
            let one = One { client, index, plan, begin, world, members, progress: Arc::clone(&progress) };
            tokio::spawn(one.run())
        })
        .collect();
    let mut sent = Sent { acknowledged: 0, refused: 0, throttled: 0, latency: Times::new()?, seconds: 0.0 };
    for task in tasks {
        let (refused, throttled, latency) = task.await??;
        sent.refused += refused;
        sent.throttled += throttled;
        sent.latency.add(&latency)?;
    }
    sent.acknowledged = sent.latency.count();
    sent.seconds = (micros() - begin) as f64 / 1e6;
    Ok(sent)
}

struct One {
    client: Client,
    index: u16,
    plan: Plan,
    begin: u64,
    world: World,
    members: Arc<Members>,
    progress: Arc<Progress>,
}

impl One {
    async fn run(mut self) -> Result<(u64, u64, Times)> {
        let path = self.world.messages(self.index);
        let users = &self.world.users;
        let user = users.get(usize::from(self.index) % users.len().max(1)).cloned().unwrap_or_default();
        let end = self.begin + u64::try_from(self.plan.lasting.as_micros())?;
        let (mut latency, mut refused, mut throttled, mut slot) = (Times::new()?, 0, 0, 0);
        // A number is used again after a refusal: nobody has received it.
        let mut number = 1;
        loop {
            let Some(sent) = self.turn(slot, end).await else {
                return Ok((refused, throttled, latency));
            };
            slot += 1;
            let mark = Mark { sent, sender: self.plan.first + self.index, number };
            let body = json!({
                "Content": mark.content(self.plan.length), "Type": "STANDARD", "Persistence": "PERSISTENT",
                "ClientRequestToken": format!("{}-{}-{slot}", self.plan.first, self.index),
            });
            let body = body.to_string();
            let (status, _) = self.client.send(&Call::post(&path, body.as_bytes()).bearer(&user)).await?;
            if status == 201 {
                latency.record(micros().saturating_sub(sent));
                self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
                number += 1;
            } else {
                *if status == 429 { &mut throttled } else { &mut refused } += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Waits for the turn of the next message; `None` at the end.
    async fn turn(&self, slot: u64, end: u64) -> Option<u64> {
        match self.plan.pace {
            Pace::Rate(rate) => {
                let place = slot * u64::from(self.plan.senders) + u64::from(self.index);
                let due = self.begin + (place as f64 / rate * 1e6) as u64;
                if due >= end {
                    return None;
                }
                if micros() >= due {
                    return Some(due);
                }
                tokio::time::sleep_until(moment(due).into()).await;
                Some(micros())
            }
            Pace::FlatOut => (micros() < end).then(micros),
            Pace::Window(most) => loop {
                if micros() >= end {
                    return None;
                }
                let sent = self.progress.acknowledged.load(Ordering::Relaxed);
                let received = (self.members.delivered() - self.progress.received) / self.progress.members;
                if sent < received + most {
                    return Some(micros());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            },
        }
    }
}
