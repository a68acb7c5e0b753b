//! A room with as many messages as it takes: how many deliveries a second, and what do they cost?

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::Room;
use crate::load::raw;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::Launch;

/// Deliveries to all members of a channel, as many as can be.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Saturate {
    /// Connected members.
    #[arg(long, default_value_t = 1000)]
    pub members: usize,
    /// Senders.
    #[arg(long, default_value_t = 8)]
    pub senders: u16,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Messages on their way to members before senders wait; without it, a member that cannot keep up is closed.
    #[arg(long, default_value_t = 256)]
    pub window: u64,
    /// Bytes of content.
    #[arg(long, default_value_t = 200)]
    pub length: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Saturate) -> Result<()> {
    let mut room = Room::open(launch, args.members, args.members).await?;
    let plan = Plan {
        senders: args.senders,
        first: 0,
        pace: Pace::Window(args.window),
        lasting: Duration::from_secs(1),
        length: args.length,
    };
    room.stretch(plan).await?;
    let stretch = room.stretch(Plan { lasting: Duration::from_secs(args.seconds), ..plan }).await?;
    let (sent, tally) = (&stretch.sent, &stretch.tally);

    let mut report = Report::new(format!("saturate: {} members, {} senders", args.members, args.senders));
    report.figure("messages acknowledged", sent.acknowledged as f64 / sent.seconds, "1/s");
    report.figure("deliveries", tally.delivered as f64 / stretch.seconds, "1/s");
    report.figure("delivery p50", tally.latency.quantile(0.5), "ms");
    report.figure("delivery p99", tally.latency.quantile(0.99), "ms");
    let per_million = stretch.cpu / (tally.delivered as f64 / 1e6);
    report.goal("server CPU per million deliveries", per_million, "s", Goal::AtMost(1.5));
    report.figure("server cores in use", stretch.cpu / stretch.seconds, "");
    room.faults(&mut report, &stretch);
    let signer = room.world.signer();
    drop(room);
    let raw = raw::fan_out(args.members, Duration::from_secs(3))?;
    report.figure("raw: one thread writes runs of 64 frames", raw, "1/s");
    report.note(format!("signed by {signer}"));
    report.print()
}
