//! `chime-load`: starts a server and puts load on it. See `benches/outcomes.md` for what came of it.

use std::path::PathBuf;

use anyhow::Result;
use chime_benches::load::scenario::{
    deliver, export, gallery, idle, janus, janus_video, limits, meeting, members, nodes, retention, saturate,
    search, sends, stalled, start, video,
};
use chime_benches::load::server::{Launch, binary};
use clap::{Parser, Subcommand};

/// Puts load on a server of its own and prints what it measured.
#[derive(Parser)]
#[command(name = "chime-load")]
struct Arguments {
    /// The server's binary; without it that of CHIME_SERVER_BIN, or the one beside this program.
    #[arg(long, global = true)]
    server: Option<PathBuf>,
    /// Where data directories are made; the disk that is measured.
    #[arg(long, global = true)]
    place: Option<PathBuf>,
    /// The store in memory instead of SQLite with synced commits.
    #[arg(long, global = true)]
    memory: bool,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    Deliver(deliver::Deliver),
    Saturate(saturate::Saturate),
    Sends(sends::Sends),
    Idle(idle::Idle),
    Stalled(stalled::Stalled),
    Start(start::Start),
    Search(search::Search),
    Members(members::Members),
    Retention(retention::Retention),
    Export(export::Export),
    Nodes(nodes::Nodes),
    Meeting(meeting::Meeting),
    Janus(janus::Janus),
    JanusVideo(janus_video::JanusVideo),
    Gallery(gallery::Gallery),
    Limits(limits::Limits),
    Video(video::Video),
}

fn main() -> Result<()> {
    let Arguments { server, place, memory, scenario } = Arguments::parse();
    let launch = Launch {
        binary: binary(server.as_deref())?,
        place: place.unwrap_or_else(std::env::temp_dir),
        memory,
        database: None,
        settings: Vec::new(),
    };
    // One thread sends and one reads, beside a server on the same cores.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match scenario {
            Scenario::Deliver(args) => deliver::run(&launch, &args).await,
            Scenario::Saturate(args) => saturate::run(&launch, &args).await,
            Scenario::Sends(args) => sends::run(&launch, &args).await,
            Scenario::Idle(args) => idle::run(&launch, &args).await,
            Scenario::Stalled(args) => stalled::run(&launch, &args).await,
            Scenario::Search(args) => search::run(&launch, &args).await,
            Scenario::Members(args) => members::run(&launch, &args).await,
            Scenario::Retention(args) => retention::run(&launch, &args).await,
            Scenario::Export(args) => export::run(&launch, &args).await,
            Scenario::Nodes(args) => nodes::run(&launch, &args).await,
            Scenario::Video(args) => video::run(&launch, &args).await,
            Scenario::Janus(args) => janus::run(&args),
            Scenario::JanusVideo(args) => janus_video::run(&args),
            Scenario::Gallery(args) => gallery::run(&launch, &args).await,
            Scenario::Limits(args) => limits::run(&args),
            Scenario::Meeting(args) => meeting::run(&launch, &args).await,
            Scenario::Start(args) => start::run(&launch, &args),
        }
    })
}
