//! Forwarded video: what a packet costs, and how much later it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use chime_media::client::{Picture, Show};
use clap::Args;

use crate::load::report::{Goal, Report};
use crate::load::server::{Launch, Server, permit_files};
use crate::load::tally::Times;
use crate::media::crew::{Crew, Member, Part};
use crate::media::room;

/// How long all may take until they see something.
const SEEN_WITHIN: Duration = Duration::from_secs(60);
/// Pictures of a camera in a second.
const FPS: u32 = 30;

/// Video of meetings: one shows, all others watch.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Video {
    /// Meetings.
    #[arg(long, default_value_t = 8)]
    pub meetings: usize,
    /// Who watch in each.
    #[arg(long, default_value_t = 16)]
    pub watchers: usize,
    /// Rate of each video, in kbit/s; its packets have some 1100 bytes.
    #[arg(long, default_value_t = 2000)]
    pub kbps: u32,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 15)]
    pub seconds: u64,
    /// All cameras take their pictures at the same instant; without it, each meeting's at one of its own.
    #[arg(long)]
    pub together: bool,
}

struct Watch {
    of: usize,
    /// When pictures were sent, by meeting and number.
    sent: HashMap<(usize, u32), Instant>,
    late: Times,
    seen: Vec<u64>,
}

impl Part for Watch {
    fn speak(&mut self, _: Instant, _: usize, member: &mut Member) -> Result<()> {
        member.client.pause();
        Ok(())
    }

    fn heard(&mut self, _: Instant, _: usize, _: &[u8]) {}

    fn shown(&mut self, now: Instant, number: usize, picture: u32) {
        self.sent.insert((number / self.of, picture), now);
    }

    fn seen(&mut self, now: Instant, number: usize, picture: Picture) {
        if let Some(seen) = self.seen.get_mut(number) {
            *seen += 1;
        }
        if let Some(sent) = self.sent.get(&(number / self.of, picture.mark.number)) {
            let late = now.saturating_duration_since(*sent);
            self.late.record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
        }
    }
}

/// Runs it.
///
/// # Errors
///
/// When the server or a client fails.
pub async fn run(launch: &Launch, args: &Video) -> Result<()> {
    let of = args.watchers + 1;
    let total = args.meetings * of;
    permit_files(total as u64 * 2 + 1000)?;
    let mut launch = launch.clone();
    launch.memory = true;
    launch.settings.push(("CHIME_QUOTAS__ACTIVE_MEETINGS", "100000".into()));
    let server = Server::start(&launch)?;
    let keys = server.root()?;
    let mut crew = Crew::new(server.http, server.media)?;
    let mut watch = Watch { of, sent: HashMap::new(), late: Times::new()?, seen: vec![0; total] };
    for meeting in 0..args.meetings {
        for ticket in room::make(server.http, &keys, &format!("video-{meeting}"), of).await? {
            crew.join(&ticket, 1).await?;
            crew.run(Duration::from_millis(10), &mut watch).await?;
        }
    }
    crew.run(Duration::from_secs(2), &mut watch).await?;
    let apart = match (args.together, u32::try_from(args.meetings)) {
        (false, Ok(meetings)) => Duration::from_secs(1) / FPS / meetings.max(1),
        _ => Duration::ZERO,
    };
    for meeting in 0..args.meetings {
        crew.run(apart, &mut watch).await?;
        if let Some(member) = crew.members.get_mut(meeting * of) {
            let show = Show { fps: FPS, ..Show::single(args.kbps) };
            member.client.show(Instant::now(), show);
            member.wake();
        }
    }
    let start = Instant::now();
    let watching = |watch: &Watch| {
        watch.seen.iter().enumerate().filter(|(number, seen)| number % of != 0 && **seen > 30).count()
    };
    while watching(&watch) < args.meetings * args.watchers {
        crew.run(Duration::from_millis(50), &mut watch).await?;
        if start.elapsed() > SEEN_WITHIN {
            bail!("only {} of {} see something", watching(&watch), args.meetings * args.watchers);
        }
    }
    crew.run(Duration::from_secs(3), &mut watch).await?;
    (watch.late, watch.sent) = (Times::new()?, HashMap::new());
    watch.seen.fill(0);
    let sent = |server: &Server| server.metric("chime_media_datagrams_total{what=\"sent\"}");
    let (packets, cpu, clock) = (sent(&server)?, server.cpu()?, Instant::now());
    crew.run(Duration::from_secs(args.seconds), &mut watch).await?;
    let (elapsed, used) = (clock.elapsed().as_secs_f64(), server.cpu()?.saturating_sub(cpu).as_secs_f64());
    let packets = sent(&server)? - packets;

    let mut report = Report::new(format!(
        "video: {} meeting(s), 1 to {} at {} kbit/s, encrypted, through real sockets",
        args.meetings, args.watchers, args.kbps
    ));
    report.goal("packets sent for each second of a core", packets / used, "", Goal::AtLeast(100_000.0));
    report.figure("packets sent", packets / elapsed, "/s");
    report.figure("processor time of the server", used / elapsed * 100.0, "% of a core");
    report.figure("added latency of a whole picture, p50", watch.late.quantile(0.5), "ms");
    report.goal("added latency of a whole picture, p99", watch.late.quantile(0.99), "ms", Goal::AtMost(6.0));
    let seen: u64 = watch.seen.iter().sum();
    let expected = elapsed * f64::from(FPS) * (args.meetings * args.watchers) as f64;
    report.figure("pictures seen", 100.0 * seen as f64 / expected, "% of 30/s");
    report.print()
}
