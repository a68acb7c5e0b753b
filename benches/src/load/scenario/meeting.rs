//! Meetings with audio: how many attendees a core carries, how late the mix is, what an attendee costs.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;

use super::mebibytes;
use crate::load::report::{Goal, Report};
use crate::load::server::{Launch, Server, permit_files};
use crate::load::tally::Times;
use crate::media::crew::{Crew, Member, Part};
use crate::media::room::{self, Ticket};
use crate::media::sound::{Bursts, Ear, Loop};

/// Joins that may be under way before the next waits.
const AT_ONCE: usize = 8;
/// How long all may take to join: the one thread of this program speaks and listens for all of them meanwhile.
fn join_within(total: usize) -> Duration {
    Duration::from_secs(120) + Duration::from_millis(400) * u32::try_from(total).unwrap_or(u32::MAX)
}

/// What is in the way of many attendees.
const UNBOUNDED: [&str; 5] = [
    "CHIME_QUOTAS__ATTENDEES_PER_MEETING",
    "CHIME_QUOTAS__AUDIO_STREAMS_PER_MEETING",
    "CHIME_QUOTAS__ACTIVE_MEETINGS",
    "CHIME_THROTTLE__MEETINGS_PER_SECOND",
    "CHIME_THROTTLE__MEETINGS_BURST",
];

/// Audio of meetings: everybody sends, some talk.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Meeting {
    /// Meetings.
    #[arg(long, default_value_t = 1)]
    pub meetings: usize,
    /// Attendees of each.
    #[arg(long, default_value_t = 100)]
    pub attendees: usize,
    /// Of these, how many talk.
    #[arg(long, default_value_t = 3)]
    pub talkers: usize,
    /// How long is measured, in seconds.
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
}

struct Talk {
    attendees: usize,
    talkers: usize,
    bursts: Bursts,
    ear: Ear,
    tones: Vec<Loop>,
    quiet: Loop,
    late: Times,
    joins: Times,
    /// When those who hear nothing yet opened their WebSockets.
    opened: Vec<Option<Instant>>,
    heard: Vec<u64>,
}

impl Part for Talk {
    fn speak(&mut self, now: Instant, number: usize, member: &mut Member) -> Result<()> {
        let place = number % self.attendees;
        if number == 0 {
            let (payload, level) = self.bursts.next(now)?;
            member.client.say(&payload, level);
        } else if place < self.talkers
            && let Some(tone) = self.tones.get(place)
        {
            member.client.say(tone.frame(member.said), tone.level);
        } else {
            member.client.say(self.quiet.frame(member.said), self.quiet.level);
        }
        Ok(())
    }

    fn heard(&mut self, now: Instant, number: usize, payload: &[u8]) {
        if let Some(heard) = self.heard.get_mut(number) {
            *heard += 1;
            // Whoever has heard something once has joined once.
            if let Some(opened) = self.opened.get_mut(number).and_then(Option::take) {
                self.joins.record(micros(now.saturating_duration_since(opened)));
            }
        }
        // The last of the first meeting listens.
        if number == self.attendees - 1
            && let Some(late) = self.ear.hear(now, payload, self.bursts.began)
        {
            self.late.record(micros(late));
        }
    }

    fn seen(&mut self, _: Instant, _: usize, _: chime_media::client::Picture) {}
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Runs it.
///
/// # Errors
///
/// When the server or a client fails.
pub async fn run(launch: &Launch, args: &Meeting) -> Result<()> {
    let total = args.meetings * args.attendees;
    if args.attendees == 0 || args.talkers >= args.attendees || total > 60_000 {
        bail!("there must be an attendee who only listens, and at most 60000 in all");
    }
    permit_files(total as u64 * 2 + 1000)?;
    let mut launch = launch.clone();
    launch.memory = true;
    for setting in UNBOUNDED {
        launch.settings.push((setting, "100000".into()));
    }
    let server = Server::start(&launch)?;
    let keys = server.root()?;
    let mut tickets: Vec<Ticket> = Vec::with_capacity(total);
    for meeting in 0..args.meetings {
        tickets.extend(room::make(server.http, &keys, &format!("load-{meeting}"), args.attendees).await?);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = server.resident()?;
    let mut crew = Crew::new(server.http, server.media)?;
    let mut talk = Talk {
        attendees: args.attendees,
        talkers: args.talkers,
        bursts: Bursts::new(23)?,
        ear: Ear::new()?,
        tones: (0..args.talkers)
            .map(|place| Loop::tone(180.0 + 60.0 * place as f32))
            .collect::<Result<_>>()?,
        quiet: Loop::quiet()?,
        late: Times::new()?,
        joins: Times::new()?,
        opened: Vec::new(),
        heard: vec![0; total],
    };
    let (start, within) = (Instant::now(), join_within(total));
    for ticket in &tickets {
        crew.join(ticket, 0).await?;
        talk.opened.extend(crew.members.last().map(|member| Some(member.opened)));
        while hearing(&talk) + AT_ONCE < crew.members.len() {
            crew.run(Duration::from_millis(1), &mut talk).await?;
            if start.elapsed() > within {
                bail!("only {} of {total} hear the meeting after {within:?}", hearing(&talk));
            }
        }
    }
    while hearing(&talk) < total {
        crew.run(Duration::from_millis(5), &mut talk).await?;
        if start.elapsed() > within {
            bail!("only {} of {total} hear the meeting after {within:?}", hearing(&talk));
        }
    }
    crew.run(Duration::from_secs(3), &mut talk).await?;
    talk.late = Times::new()?;
    talk.heard.fill(0);
    let counters = |server: &Server| -> Result<(f64, f64)> {
        Ok((server.metric("chime_media_ticks_total")?, server.metric("chime_media_late_ticks_total")?))
    };
    let (ticks, late) = counters(&server)?;
    let (cpu, own, clock) = (server.cpu()?, own_cpu(), Instant::now());
    crew.run(Duration::from_secs(args.seconds), &mut talk).await?;
    let (elapsed, used, own) =
        (clock.elapsed(), server.cpu()?.saturating_sub(cpu), own_cpu().saturating_sub(own));
    let (ticks, late) = {
        let after = counters(&server)?;
        (after.0 - ticks, after.1 - late)
    };
    let resident = server.resident()?;

    let heard: u64 = talk.heard.iter().sum();
    let expected = elapsed.as_secs_f64() * 50.0 * total as f64;
    let cores = used.as_secs_f64() / elapsed.as_secs_f64();
    let mut report = Report::new(format!(
        "meeting: {} meeting(s) of {} attendees, {} talkers, everybody sends",
        args.meetings, args.attendees, args.talkers
    ));
    let per_core = match (args.meetings, args.attendees) {
        (1, 100) => Goal::AtLeast(800.0),
        (1, 250) => Goal::AtLeast(1500.0),
        (1, 1000) => Goal::AtLeast(1000.0),
        _ => Goal::None,
    };
    report.goal("attendees per core", total as f64 / cores, "", per_core);
    report.figure("processor time of the server", cores * 100.0, "% of a core");
    report.figure("processor time for each attendee", cores * 100.0 / total as f64, "% of a core");
    report.figure(
        "processor time of this program",
        own.as_secs_f64() / elapsed.as_secs_f64() * 100.0,
        "% of a core",
    );
    report.goal("added latency, p50", talk.late.quantile(0.5), "ms", Goal::AtMost(30.0));
    report.goal("added latency, p99", talk.late.quantile(0.99), "ms", Goal::AtMost(45.0));
    report.figure("bursts timed", talk.late.count() as f64, "");
    report.goal("join, WebSocket to first audio, p50", talk.joins.quantile(0.5), "ms", Goal::AtMost(100.0));
    report.figure("join, p99", talk.joins.quantile(0.99), "ms");
    report.figure("rounds of the mix that began 10 ms late", 100.0 * late / ticks.max(1.0), "%");
    report.figure("packets of the mix heard", 100.0 * heard as f64 / expected, "% of 50/s");
    report.goal(
        "memory for each attendee",
        resident.saturating_sub(before) as f64 / 1024.0 / total as f64,
        "KiB",
        Goal::AtMost(150.0),
    );
    report.figure("memory", mebibytes(resident), "MiB");
    if crew.unsent > 0 {
        report.note(format!("{} datagrams of this program were not taken by the system", crew.unsent));
    }
    report.print()
}

fn hearing(talk: &Talk) -> usize {
    talk.heard.iter().filter(|heard| **heard > 0).count()
}

/// Processor time of this process.
fn own_cpu() -> Duration {
    let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(usage.tv_sec).unwrap_or_default(),
        u32::try_from(usage.tv_nsec).unwrap_or_default(),
    )
}
