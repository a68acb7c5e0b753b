//! Streaming export: how many events a second, how late, and what does it cost those who send?

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::Room;
use crate::load::api::{Client, escape};
use crate::load::ask::Question;
use crate::load::clock::micros;
use crate::load::cluster::Nats;
use crate::load::follow::Follow;
use crate::load::raw;
use crate::load::report::{Goal, Report};
use crate::load::send::{Pace, Plan};
use crate::load::server::Launch;

/// Name of the stream, which the documents have begin so.
const STREAM: &str = "chime-messaging-load";
/// How long events may be under way without one arriving.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where events go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "arguments of a program")]
pub enum Sink {
    /// Files in the data directory.
    File,
    /// JetStream of a nats-server of its own.
    Jetstream,
}

/// Streams all messages of an app instance: at a fixed rate, and of senders who send what they can.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Export {
    /// Where events go to; several are run one after the other.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Sink::File, Sink::Jetstream])]
    pub sink: Vec<Sink>,
    /// Senders.
    #[arg(long, default_value_t = 64)]
    pub senders: u16,
    /// Channels that they are spread over. JetStream takes one event of a channel at a time.
    #[arg(long, default_value_t = 64)]
    pub channels: usize,
    /// Messages per second of the stretch at a fixed rate.
    #[arg(long, default_value_t = 500.0)]
    pub rate: f64,
    /// For how long each stretch lasts.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Bytes of content.
    #[arg(long, default_value_t = 200)]
    pub length: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the server or a connection fails, or an event does not arrive.
pub async fn run(launch: &Launch, args: &Export) -> Result<()> {
    for sink in &args.sink {
        one(launch, args, *sink).await?;
    }
    Ok(())
}

async fn one(launch: &Launch, args: &Export, sink: Sink) -> Result<()> {
    let (mut launch, name) = (launch.clone(), format!("{sink:?}").to_lowercase());
    let nats = match sink {
        Sink::File => None,
        Sink::Jetstream => {
            let nats = Nats::start(&launch.place)?;
            launch.settings.push(("CHIME_EXPORT", nats.url()));
            Some(nats)
        }
    };
    // Nobody is connected, so that what is measured is the export.
    let mut room = Room::open(&launch, 100, 0).await?;
    room.world.widen(args.channels).await?;
    let plan = Plan {
        senders: args.senders,
        first: 0,
        pace: Pace::FlatOut,
        lasting: Duration::from_secs(args.seconds),
        length: args.length,
    };
    let without = room.stretch(plan).await?;

    let mut follow = match &nats {
        Some(nats) => Follow::nats(nats.port())?,
        None => Follow::files(room.server.data_dir().join("export").join(STREAM))?,
    };
    let arn = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{STREAM}");
    let body = json!({"StreamingConfigurations": [{"DataType": "ChannelMessage", "ResourceArn": arn}]});
    let path = format!("/app-instances/{}/streaming-configurations", escape(&room.world.app));
    let mut client = Client::connect(room.world.address, room.server.root()?).await?;
    client.done(&Question::put(path, &body).call()).await?;

    let steady = room.stretch(Plan { pace: Pace::Rate(args.rate), ..plan }).await?;
    let mut total = steady.sent.acknowledged;
    drain(&follow, total)?;
    let steady_lag = follow.lag()?;

    let (before, cpu, begin) = (follow.messages(), room.server.cpu()?, micros());
    let full = room.stretch(plan).await?;
    let (sent, arrived) = (full.sent.acknowledged, follow.messages() - before);
    let sending = (micros() - begin) as f64 / 1e6;
    total += sent;
    drain(&follow, total)?;
    let seconds = (micros() - begin) as f64 / 1e6;
    let cpu = (room.server.cpu()? - cpu).as_secs_f64();
    let full_lag = follow.lag()?;

    let mut report =
        Report::new(format!("export to {name}: {} senders, {} channels", args.senders, args.channels));
    report.figure("sends without streaming", without.sent.acknowledged as f64 / without.sent.seconds, "1/s");
    report.figure("sends while streaming", sent as f64 / full.sent.seconds, "1/s");
    report.figure("acknowledgement p99 without streaming", without.sent.latency.quantile(0.99), "ms");
    report.figure("acknowledgement p99 while streaming", full.sent.latency.quantile(0.99), "ms");
    report.figure("events arrived while sending", arrived as f64 / sending, "1/s");
    report.figure("events that waited when sending ended", sent.saturating_sub(arrived) as f64, "");
    report.figure("until the last of them arrived", seconds - sending, "s");
    if seconds - sending > 0.5 {
        let drained = sent.saturating_sub(arrived) as f64 / (seconds - sending);
        report.figure("events arrived after sending ended", drained, "1/s");
    }
    report.figure("events arrived, over all", sent as f64 / seconds, "1/s");
    report.figure("lag at saturation p50", full_lag.quantile(0.5), "ms");
    report.figure("lag at saturation p99", full_lag.quantile(0.99), "ms");
    report.figure(format!("lag at {} messages/s p50", args.rate), steady_lag.quantile(0.5), "ms");
    report.figure(format!("lag at {} messages/s p99", args.rate), steady_lag.quantile(0.99), "ms");
    report.figure("server CPU per message, sent and exported", cpu * 1e6 / sent.max(1) as f64, "µs");
    let plain = without.cpu * 1e6 / without.sent.acknowledged.max(1) as f64;
    report.figure("server CPU per message without streaming", plain, "µs");
    let more = follow.messages() as f64 - total as f64;
    report.goal("events that came twice", more, "", Goal::AtMost(0.0));
    report.goal("messages refused", (steady.sent.refused + full.sent.refused) as f64, "", Goal::AtMost(0.0));
    let signer = room.world.signer();
    drop(room);
    let raw = raw::commits(&launch.place, args.senders, Duration::from_secs(3)).await?;
    report.figure("raw: commits to the store alone", raw, "1/s");
    report.note(format!("signed by {signer}"));
    report.print()
}

/// Waits until so many messages have arrived.
fn drain(follow: &Follow, total: u64) -> Result<()> {
    let (mut last, mut since) = (follow.messages(), micros());
    while last < total {
        std::thread::sleep(Duration::from_millis(1));
        let now = follow.messages();
        if now != last {
            (last, since) = (now, micros());
        } else if u128::from(micros() - since) > PATIENCE.as_micros() {
            bail!("{last} of {total} messages were exported, and no more");
        }
    }
    Ok(())
}
