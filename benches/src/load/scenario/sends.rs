//! Durable sends: how many a second into one channel whose members are connected?

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::Room;
use crate::load::raw;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::Launch;

/// Durable sends per second into one channel.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Sends {
    /// Connected members.
    #[arg(long, default_value_t = 100)]
    pub members: usize,
    /// Senders; several numbers are run one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    pub senders: Vec<u16>,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Messages on their way to members before senders wait; 0 for no such bound.
    #[arg(long, default_value_t = 0)]
    pub window: u64,
    /// Bytes of content.
    #[arg(long, default_value_t = 100)]
    pub length: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Sends) -> Result<()> {
    for senders in &args.senders {
        one(launch, args, *senders).await?;
    }
    Ok(())
}

async fn one(launch: &Launch, args: &Sends, senders: u16) -> Result<()> {
    let mut room = Room::open(launch, args.members, args.members).await?;
    let plan = Plan {
        senders,
        first: 0,
        pace: if args.window == 0 { Pace::FlatOut } else { Pace::Window(args.window) },
        lasting: Duration::from_secs(1),
        length: args.length,
    };
    room.stretch(plan).await?;
    let stretch = room.stretch(Plan { lasting: Duration::from_secs(args.seconds), ..plan }).await?;
    let (sent, tally) = (&stretch.sent, &stretch.tally);

    let mut report = Report::new(format!("sends: {} members, {senders} senders", args.members));
    let goal = if senders == 64 { Goal::AtLeast(5000.0) } else { Goal::None };
    report.goal("durable sends", sent.acknowledged as f64 / sent.seconds, "1/s", goal);
    report.figure("acknowledgement p50", sent.latency.quantile(0.5), "ms");
    report.figure("acknowledgement p99", sent.latency.quantile(0.99), "ms");
    report.figure("answers that asked to come later", sent.throttled as f64, "");
    report.figure("deliveries", tally.delivered as f64 / stretch.seconds, "1/s");
    report.figure("delivery p99", tally.latency.quantile(0.99), "ms");
    report.figure("server CPU per send", stretch.cpu * 1e6 / sent.acknowledged.max(1) as f64, "µs");
    report.figure("server cores in use", stretch.cpu / stretch.seconds, "");
    room.faults(&mut report, &stretch);
    let signer = room.world.signer();
    drop(room);
    let raw = raw::commits(&launch.place, senders, Duration::from_secs(3)).await?;
    report.figure("raw: commits to the store alone", raw, "1/s");
    report.note(format!("signed by {signer}"));
    report.print()
}
