//! A meeting in which all but one show and everybody watches: what the server keeps for each.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chime_media::client::{Picture, Show};
use clap::Args;

use super::mebibytes;
use crate::load::report::{Goal, Report};
use crate::load::server::{Launch, Server, permit_files};
use crate::media::crew::{Crew, Member, Part};
use crate::media::room;

/// How long all may take until they see all others.
const SEEN_WITHIN: Duration = Duration::from_secs(60);

/// One meeting in which all but one show, and everybody watches all others who do.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Gallery {
    /// Attendees; 16 may show by the quota of 2020.
    #[arg(long, default_value_t = 17)]
    pub attendees: usize,
    /// Rate of each video, in kbit/s.
    #[arg(long, default_value_t = 300)]
    pub kbps: u32,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
}

struct Watch {
    seen: Vec<u64>,
}

impl Part for Watch {
    fn speak(&mut self, _: Instant, _: usize, member: &mut Member) -> Result<()> {
        member.client.pause();
        Ok(())
    }

    fn heard(&mut self, _: Instant, _: usize, _: &[u8]) {}

    fn seen(&mut self, _: Instant, number: usize, _: Picture) {
        if let Some(seen) = self.seen.get_mut(number) {
            *seen += 1;
        }
    }
}

/// Runs it.
///
/// # Errors
///
/// When the server or a client fails.
pub async fn run(launch: &Launch, args: &Gallery) -> Result<()> {
    if !(2..=26).contains(&args.attendees) {
        bail!("there must be 2 to 26 attendees");
    }
    permit_files(1000)?;
    let mut launch = launch.clone();
    launch.memory = true;
    let server = Server::start(&launch)?;
    let keys = server.root()?;
    let tickets = room::make(server.http, &keys, "gallery", args.attendees).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.resident()?;
    let mut crew = Crew::new(server.http, server.media)?;
    let mut watch = Watch { seen: vec![0; args.attendees] };
    for ticket in &tickets {
        crew.join(ticket, args.attendees - 1).await?;
        crew.run(Duration::from_millis(50), &mut watch).await?;
    }
    crew.run(Duration::from_secs(2), &mut watch).await?;
    let joined = server.resident()?;
    for member in crew.members.iter_mut().skip(1) {
        member.client.show(Instant::now(), Show::single(args.kbps));
        member.wake();
    }
    let start = Instant::now();
    let all = |crew: &Crew| {
        let receives =
            |member: &Member| member.client.tiles().len() + usize::from(member.client.is_showing());
        crew.members.iter().filter(|member| receives(member) + 1 == args.attendees).count()
    };
    while all(&crew) < args.attendees {
        crew.run(Duration::from_millis(100), &mut watch).await?;
        if start.elapsed() > SEEN_WITHIN {
            bail!("only {} of {} receive all others", all(&crew), args.attendees);
        }
    }
    crew.run(Duration::from_secs(3), &mut watch).await?;
    watch.seen.fill(0);
    let (cpu, clock) = (server.cpu()?, Instant::now());
    crew.run(Duration::from_secs(args.seconds), &mut watch).await?;
    let (elapsed, used) = (clock.elapsed().as_secs_f64(), server.cpu()?.saturating_sub(cpu).as_secs_f64());
    let resident = server.resident()?;

    let each = |bytes: u64| bytes as f64 / 1024.0 / args.attendees as f64;
    let mut report = Report::new(format!(
        "gallery: one meeting of {}, {} show at {} kbit/s, everybody watches all others",
        args.attendees,
        args.attendees - 1,
        args.kbps
    ));
    report.goal(
        "memory for each attendee",
        each(resident.saturating_sub(before)),
        "KiB",
        Goal::AtMost(1024.0),
    );
    report.figure("of these before anybody showed", each(joined.saturating_sub(before)), "KiB");
    report.figure("memory", mebibytes(resident), "MiB");
    report.figure("processor time of the server", used / elapsed * 100.0, "% of a core");
    let seen: u64 = watch.seen.iter().sum();
    let ways = ((args.attendees - 1) * (args.attendees - 1)) as f64;
    report.figure("pictures seen of each", seen as f64 / elapsed / ways, "/s");
    report.print()
}
