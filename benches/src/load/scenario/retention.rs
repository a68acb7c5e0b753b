//! Retention at work: does deleting very many old messages hold up those who send?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chime_adapters::SystemClock;
use chime_domain::limits::RETENTION_GRACE_DAYS;
use chime_domain::ports::Clock;
use clap::Args;

use super::{Room, mebibytes};
use crate::load::clock::micros;
use crate::load::fill::{Fill, has_entries};
use crate::load::raw;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::{Launch, Server};
use crate::load::tally::Times;
use crate::load::world::World;

/// Tasks that were done, of which the deletion is one.
const DONE: &str = "chime_tasks_total{outcome=\"done\"}";
/// How old the oldest messages are.
const AGE_DAYS: u32 = 400;
/// One stretch of sending while messages are deleted.
const STRETCH: Duration = Duration::from_secs(2);

/// Sends at a fixed rate while retention deletes old messages.
///
/// The store is filled before the server starts, with a retention setting whose deletion begins by itself soon after.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Retention {
    /// Messages past their time.
    #[arg(long, default_value_t = 1_000_000)]
    pub messages: u64,
    /// Channels that they are in.
    #[arg(long, default_value_t = 100)]
    pub channels: u64,
    /// Bytes of content, of old messages and new ones.
    #[arg(long, default_value_t = 100)]
    pub length: usize,
    /// Messages sent per second.
    #[arg(long, default_value_t = 200.0)]
    pub rate: f64,
    /// Senders.
    #[arg(long, default_value_t = 8)]
    pub senders: u16,
    /// For how long sending is measured before the deletion begins.
    #[arg(long, default_value_t = 30)]
    pub before: u64,
    /// The deletion is watched for at most so many minutes.
    #[arg(long, default_value_t = 10)]
    pub minutes: u64,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails, or messages are left.
pub async fn run(launch: &Launch, args: &Retention) -> Result<()> {
    let data = Arc::new(tempfile::tempdir_in(&launch.place)?);
    let (begin, past) = (micros(), SystemClock.now().minus_days(AGE_DAYS));
    let fill = Fill::new(data.path(), past, 100).await?;
    let users = fill.users(usize::from(args.senders.max(1))).await?;
    let sender = users.first().context("a user")?;
    let (mut streams, mut channels) = (Vec::new(), Vec::new());
    for n in 0..args.channels.max(1) {
        let channel = fill.channel(sender).await?;
        let share =
            args.messages / args.channels.max(1) + u64::from(n < args.messages % args.channels.max(1));
        streams.push(fill.messages(&channel, sender, share, args.length).await?);
        channels.push(channel);
    }
    let filled = (micros() - begin) as f64 / 1e6;
    // What comes before the measuring takes a few seconds.
    let due = SystemClock.now() + Duration::from_secs(args.before + 6);
    let set = due.minus_days(RETENTION_GRACE_DAYS);
    fill.advance(Duration::from_millis(u64::try_from(set.millis() - past.millis())?));
    fill.chime().identity().put_app_instance_retention_settings(&fill.app, Some(1)).await?;
    fill.settle().await?;
    let app = fill.app.to_string();
    drop(fill);

    let server = Arc::new(Server::start_in(launch, Arc::clone(&data))?);
    let world = World {
        address: server.http,
        keys: server.root()?,
        owner: true,
        app,
        users: vec![sender.to_string()],
        channel: channels.first().context("a channel")?.to_string(),
        others: Vec::new(),
    };
    let stored = server.stored()?;
    let mut room = Room::in_world(Arc::clone(&server), world, 0)?;
    let plan = Plan {
        senders: args.senders.max(1),
        first: 0,
        pace: Pace::Rate(args.rate),
        lasting: Duration::from_secs(2),
        length: args.length,
    };
    room.stretch(plan).await?;
    let quiet = room.stretch(Plan { lasting: Duration::from_secs(args.before), ..plan }).await?;

    let (over, told) = (Arc::new(AtomicBool::new(false)), done(&server));
    if SystemClock.now() >= due {
        bail!("the deletion began before it was to be measured: the machine is too busy");
    }
    SystemClock.until(due).await;
    let (until, watched) = (Arc::clone(&over), Arc::clone(&server));
    let most = args.minutes * 60;
    let watching = std::thread::spawn(move || watch(&watched, told, most, &until));
    let (cpu, began) = (server.cpu()?, micros());
    let (mut busy, mut refused, mut late) = (Times::new()?, quiet.sent.refused, 0);
    while !over.load(Ordering::Relaxed) {
        let stretch = room.stretch(Plan { lasting: STRETCH, ..plan }).await?;
        // The one in which it ends is partly without it.
        if over.load(Ordering::Relaxed) && busy.count() > 0 {
            break;
        }
        busy.add(&stretch.sent.latency)?;
        refused += stretch.sent.refused;
        late += stretch.sent.throttled;
    }
    let took = watching.join().ok().context("the watch panicked")?;
    let cpu = (server.cpu()? - cpu).as_secs_f64() / ((micros() - began) as f64 / 1e6);
    let after = room.stretch(Plan { lasting: Duration::from_secs(10), ..plan }).await?;
    let (memory, stored_after) = (server.resident()?, server.stored()?);
    drop(room);
    drop(server);
    let until = due.minus_days(1);
    let mut left = 0;
    for stream in &streams {
        left += u64::from(has_entries(data.path(), stream, until).await?);
    }

    let mut report = Report::new(format!(
        "retention: {} messages past their time in {} channels, {} sends/s",
        args.messages, args.channels, args.rate
    ));
    report.note(format!("the store was filled in {filled:.0} s"));
    let (before, during) = (quiet.sent.latency.quantile(0.99), busy.quantile(0.99));
    report.figure("send p50 before", quiet.sent.latency.quantile(0.5), "ms");
    report.figure("send p50 while messages are deleted", busy.quantile(0.5), "ms");
    report.figure("send p50 after", after.sent.latency.quantile(0.5), "ms");
    report.figure("send p99 before", before, "ms");
    report.figure("send p99 while messages are deleted", during, "ms");
    report.figure("send p99 after", after.sent.latency.quantile(0.99), "ms");
    report.goal("rise of the p99", (during / before - 1.0) * 100.0, "%", Goal::AtMost(20.0));
    report.figure("send p99.9 before", quiet.sent.latency.quantile(0.999), "ms");
    report.figure("send p99.9 while messages are deleted", busy.quantile(0.999), "ms");
    match took {
        Some(seconds) => {
            report.figure("deletion took", seconds, "s");
            report.figure("messages deleted", args.messages as f64 / seconds, "1/s");
        }
        None => report.note(format!("the deletion was not done after {} minutes", args.minutes)),
    }
    report.goal("channels with messages left", left as f64, "", Goal::AtMost(0.0));
    report.figure("sends while messages were deleted", busy.count() as f64, "");
    report.goal("messages refused", refused as f64, "", Goal::AtMost(0.0));
    report.figure("answers that asked to come later", late as f64, "");
    report.figure("server cores in use meanwhile", cpu, "");
    report.figure("memory of the server", mebibytes(memory), "MiB");
    report.figure("database before", mebibytes(stored), "MiB");
    report.figure("database after", mebibytes(stored_after), "MiB");
    let syncs = raw::syncs(&launch.place, 300)?;
    report.figure("raw: write and sync 4 KiB p50", syncs.quantile(0.5), "ms");
    report.figure("raw: write and sync 4 KiB p99", syncs.quantile(0.99), "ms");
    report.note("signed by the owner");
    report.print()
}

/// Tasks done so far; there is no such number before the first.
fn done(server: &Server) -> f64 {
    server.metric(DONE).unwrap_or_default()
}

/// Waits until one more task is done; how long that took, in seconds, and `None` when it took too long.
fn watch(server: &Server, before: f64, most: u64, over: &AtomicBool) -> Option<f64> {
    let begin = micros();
    let mut took = None;
    while took.is_none() && micros() - begin < most * 1_000_000 {
        std::thread::sleep(Duration::from_millis(100));
        if done(server) > before {
            took = Some((micros() - begin) as f64 / 1e6);
        }
    }
    over.store(true, Ordering::Relaxed);
    took
}
