//! Members who stop reading: what do they cost the others and the server?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::{Room, mebibytes};
use crate::load::clock::micros;
use crate::load::members::handshake;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::{Launch, Server};

/// Bytes that may wait in the kernel of a stalled reader: the least, so that the server soon feels it.
const RECEIVE: usize = 4096;
/// How long the others are measured without stalled readers.
const WITHOUT: Duration = Duration::from_secs(20);
/// How often memory and sessions are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Some members stop reading.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Stalled {
    /// Members who read.
    #[arg(long, default_value_t = 1000)]
    pub members: usize,
    /// Members who do not.
    #[arg(long, default_value_t = 10)]
    pub stalled: usize,
    /// Messages per second.
    #[arg(long, default_value_t = 20.0)]
    pub rate: f64,
    /// For how long some are stalled. The kernel holds about 2.5 MiB for each on the loopback interface, whose segments
    /// are long, before the server's queue begins to fill.
    #[arg(long, default_value_t = 50)]
    pub seconds: u64,
    /// Bytes of content: long, so that queues fill within the time.
    #[arg(long, default_value_t = 3500)]
    pub length: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Stalled) -> Result<()> {
    let mut room = Room::open(launch, args.members + args.stalled, args.members).await?;
    let plan = Plan {
        senders: 4,
        first: 0,
        pace: Pace::Rate(args.rate),
        lasting: Duration::from_secs(3),
        length: args.length,
    };
    room.stretch(plan).await?;
    let plan = Plan { lasting: Duration::from_secs(args.seconds), ..plan };
    let without = room.stretch(Plan { lasting: WITHOUT, ..plan }).await?;

    let mut kept = Vec::new();
    let host = room.server.http.to_string();
    for (index, user) in room.world.users.iter().skip(args.members).enumerate() {
        let target = room.world.keys.connect(&host, user, &format!("stalled-{index}"), false)?;
        kept.push(handshake(room.server.http, &target, Some(RECEIVE))?);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = room.server.resident()?;
    let server = Arc::clone(&room.server);
    let (over, rest) = (Arc::new(AtomicBool::new(false)), args.members as f64);
    let until = Arc::clone(&over);
    let watching = std::thread::spawn(move || watch(&server, rest, &until));
    let with = room.stretch(plan).await?;
    over.store(true, Ordering::Relaxed);
    let watched = watching.join().ok().context("the watch panicked")??;
    drop(kept);

    let mut report = Report::new(format!(
        "stalled: {} of {} members do not read, {} messages/s",
        args.stalled,
        args.members + args.stalled,
        args.rate
    ));
    let (p99_without, p99_with) = (without.tally.latency.quantile(0.99), with.tally.latency.quantile(0.99));
    report.figure("delivery p99 of those who read, none stalled", p99_without, "ms");
    report.figure("delivery p99 of those who read, some stalled", p99_with, "ms");
    report.goal("rise of it", (p99_with / p99_without - 1.0) * 100.0, "%", Goal::AtMost(20.0));
    let each = mebibytes(watched.most.saturating_sub(before)) / args.stalled.max(1) as f64;
    report.goal("memory of the server for each stalled reader, at most", each, "MiB", Goal::AtMost(1.0));
    report.goal(
        "stalled readers closed",
        args.stalled as f64 - watched.left,
        "",
        Goal::AtLeast(args.stalled as f64),
    );
    report.figure("the last was closed after", watched.after, "s");
    room.faults(&mut report, &with);
    report.note("memory of the kernel's socket buffers is not the server's and is not counted");
    report.print()
}

/// What was seen of the stalled readers.
struct Watched {
    /// The most memory while one of them was connected, in bytes.
    most: u64,
    /// How many are still connected.
    left: f64,
    /// When the number of them last went down, in seconds from the beginning.
    after: f64,
}

/// Looks at the server until all but `rest` sessions are closed.
fn watch(server: &Server, rest: f64, over: &AtomicBool) -> Result<Watched> {
    let begin = micros();
    let mut watched = Watched { most: 0, left: f64::INFINITY, after: 0.0 };
    while !over.load(Ordering::Relaxed) && watched.left > 0.0 {
        watched.most = watched.most.max(server.resident()?);
        let left = server.metric("chime_websocket_sessions")? - rest;
        if left < watched.left {
            watched.left = left;
            watched.after = (micros() - begin) as f64 / 1e6;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(watched)
}
