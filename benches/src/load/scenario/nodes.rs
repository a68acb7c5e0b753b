//! Two servers on one database: how much later has a member a message that was sent through the other server?

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::{PATIENCE, Room, Stretch, connect};
use crate::load::cluster::{Nats, Postgres, root, root_settings};
use crate::load::raw;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::{Launch, Server};
use crate::load::tally::Tally;
use crate::load::world::World;

/// Deliveries from one server to members of another, over a Postgres and a NATS server of its own.
///
/// As many members are on the server that is sent through, so that both are compared in one run. It is first measured
/// with that server alone on the same Postgres.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Nodes {
    /// Members on each server.
    #[arg(long, default_value_t = 5)]
    pub members: usize,
    /// Messages per second.
    #[arg(long, default_value_t = 1000.0)]
    pub rate: f64,
    /// For how long.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Senders.
    #[arg(long, default_value_t = 32)]
    pub senders: u16,
    /// Bytes of content.
    #[arg(long, default_value_t = 200)]
    pub length: usize,
    /// Without NATS: the servers hear of each other through Postgres.
    #[arg(long)]
    pub notify: bool,
}

/// What one run gave.
struct Run {
    stretch: Stretch,
    /// What members on the other server received.
    other: Option<Tally>,
    lost: u64,
}

/// Runs it.
///
/// # Errors
///
/// When a server or a connection fails.
pub async fn run(launch: &Launch, args: &Nodes) -> Result<()> {
    let postgres = Postgres::start(&launch.place)?;
    let nats = if args.notify { None } else { Some(Nats::start(&launch.place)?) };
    let alone = one(launch, args, &postgres.database("alone")?, nats.as_ref(), 1).await?;
    let both = one(launch, args, &postgres.database("both")?, nats.as_ref(), 2).await?;

    let over = if args.notify { "Postgres" } else { "NATS" };
    let mut report = Report::new(format!(
        "nodes: {} members on each, {} messages/s, over {over}",
        args.members, args.rate
    ));
    let (sent, own) = (&both.stretch.sent, &both.stretch.tally.latency);
    let single = &alone.stretch.tally.latency;
    report.figure("one server: delivery p50", single.quantile(0.5), "ms");
    report.figure("one server: delivery p99", single.quantile(0.99), "ms");
    report.figure("one server: acknowledgement p50", alone.stretch.sent.latency.quantile(0.5), "ms");
    report.figure("one server: acknowledgement p99", alone.stretch.sent.latency.quantile(0.99), "ms");
    report.figure("two servers: messages acknowledged", sent.acknowledged as f64 / sent.seconds, "1/s");
    report.figure("two servers: acknowledgement p50", sent.latency.quantile(0.5), "ms");
    report.figure("two servers: acknowledgement p99", sent.latency.quantile(0.99), "ms");
    report.figure("delivery on the server sent through p50", own.quantile(0.5), "ms");
    report.figure("delivery on the server sent through p99", own.quantile(0.99), "ms");
    if let Some(other) = &both.other {
        let far = &other.latency;
        report.figure("delivery on the other server p50", far.quantile(0.5), "ms");
        report.figure("delivery on the other server p99", far.quantile(0.99), "ms");
        report.figure("added by the hop, difference of the p50", far.quantile(0.5) - own.quantile(0.5), "ms");
        let goal = if args.notify { Goal::None } else { Goal::AtMost(2.0) };
        report.goal(
            "added by the hop, difference of the p99",
            far.quantile(0.99) - own.quantile(0.99),
            "ms",
            goal,
        );
        report.goal(
            "deliveries that came twice",
            (own_faults(other) + own_faults(&both.stretch.tally)) as f64,
            "",
            Goal::AtMost(0.0),
        );
    }
    report.goal("deliveries that never came", (alone.lost + both.lost) as f64, "", Goal::AtMost(0.0));
    let refused = alone.stretch.sent.refused + sent.refused;
    report.goal("messages refused", refused as f64, "", Goal::AtMost(0.0));
    report.figure("CPU of the server sent through, cores", both.stretch.cpu / both.stretch.seconds, "");
    let syncs = raw::syncs(&launch.place, 300)?;
    report.figure("raw: write and sync 4 KiB p50", syncs.quantile(0.5), "ms");
    report.figure("raw: write and sync 4 KiB p99", syncs.quantile(0.99), "ms");
    report.print()
}

fn own_faults(tally: &Tally) -> u64 {
    tally.repeated + tally.missing
}

async fn one(
    launch: &Launch,
    args: &Nodes,
    database: &str,
    nats: Option<&Nats>,
    servers: usize,
) -> Result<Run> {
    let mut launch = launch.clone();
    launch.database = Some(database.to_owned());
    launch.settings.extend(root_settings());
    launch.settings.push(match nats {
        Some(nats) => ("CHIME_NATS", nats.url()),
        None => ("CHIME_CLUSTER", "notify".to_owned()),
    });
    let first = Arc::new(Server::start(&launch)?);
    let second = if servers > 1 { Some(Server::start(&launch)?) } else { None };
    let world = World::new(first.http, root(), args.members.max(1)).await?;
    let mut room = Room::in_world(Arc::clone(&first), world, args.members)?;
    let far = second.as_ref().map(|second| connect(second, &room.world, args.members)).transpose()?;
    let plan = Plan {
        senders: args.senders,
        first: 0,
        pace: Pace::Rate(args.rate),
        lasting: Duration::from_secs(3),
        length: args.length,
    };
    let mut expected = room.stretch(plan).await?.sent.acknowledged;
    let members = args.members as u64;
    if let Some(far) = &far {
        far.drain(expected * members, PATIENCE);
        let _ = far.tally()?;
    }
    let stretch = room.stretch(Plan { lasting: Duration::from_secs(args.seconds), ..plan }).await?;
    expected += stretch.sent.acknowledged;
    let mut lost = (stretch.sent.acknowledged * members).saturating_sub(stretch.tally.delivered);
    let other = match &far {
        Some(far) => {
            far.drain(expected * members, PATIENCE);
            lost += (expected * members).saturating_sub(far.delivered());
            Some(far.tally()?)
        }
        None => None,
    };
    Ok(Run { stretch, other, lost })
}
