//! A room at a moderate rate: how late are deliveries and acknowledgements, and what do they cost?

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::{Room, mebibytes};
use crate::load::raw;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::{Launch, permitted_pairs};

/// Deliveries to all members of a channel at a fixed rate of messages.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Deliver {
    /// Connected members.
    #[arg(long, default_value_t = 1000)]
    pub members: usize,
    /// Messages per second.
    #[arg(long, default_value_t = 20.0)]
    pub rate: f64,
    /// For how long.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Senders that share the rate.
    #[arg(long, default_value_t = 4)]
    pub senders: u16,
    /// Bytes of content.
    #[arg(long, default_value_t = 200)]
    pub length: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails.
pub async fn run(launch: &Launch, args: &Deliver) -> Result<()> {
    let mut room = Room::open(launch, args.members, args.members).await?;
    let plan = Plan {
        senders: args.senders,
        first: 0,
        pace: Pace::Rate(args.rate),
        lasting: Duration::from_secs(2),
        length: args.length,
    };
    room.stretch(plan).await?;
    let stretch = room.stretch(Plan { lasting: Duration::from_secs(args.seconds), ..plan }).await?;
    let (sent, tally) = (&stretch.sent, &stretch.tally);

    let mut report = Report::new(format!("deliver: {} members, {} messages/s", args.members, args.rate));
    report.figure("messages acknowledged", sent.acknowledged as f64 / sent.seconds, "1/s");
    report.figure("deliveries", tally.delivered as f64 / stretch.seconds, "1/s");
    report.figure("delivery p50", tally.latency.quantile(0.5), "ms");
    // The goals are those of a thousand members.
    let goal = |most| if args.members <= 1000 { Goal::AtMost(most) } else { Goal::None };
    report.goal("delivery p99", tally.latency.quantile(0.99), "ms", goal(40.0));
    report.figure("delivery p99.9", tally.latency.quantile(0.999), "ms");
    report.figure("acknowledgement p50", sent.latency.quantile(0.5), "ms");
    report.goal("acknowledgement p99", sent.latency.quantile(0.99), "ms", goal(40.0));
    let per_million = stretch.cpu / (tally.delivered as f64 / 1e6);
    report.goal("server CPU per million deliveries", per_million, "s", goal(12.0));
    report.figure("server memory", mebibytes(room.server.resident()?), "MiB");
    room.faults(&mut report, &stretch);
    let signer = room.world.signer();
    drop(room);
    let syncs = raw::syncs(&launch.place, 300)?;
    report.figure("raw: write and sync 4 KiB p50", syncs.quantile(0.5), "ms");
    report.figure("raw: write and sync 4 KiB p99", syncs.quantile(0.99), "ms");
    // Both ends of the reference are in this process, so that it needs twice the files.
    let sockets = args.members.min(permitted_pairs());
    let frames = raw::one_frame(sockets, 100)?;
    report.figure(format!("raw: one frame to {sockets} sockets p50"), frames.quantile(0.5), "ms");
    report.figure(format!("raw: one frame to {sockets} sockets p99"), frames.quantile(0.99), "ms");
    if sockets < args.members {
        report.note(format!(
            "the limit of open files permits no more than {sockets} sockets with both their ends"
        ));
    }
    report.note(format!("signed by {signer}"));
    report.print()
}
