//! From nothing to ready.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::mebibytes;
use crate::load::report::{Goal, Report};
use crate::load::server::{Launch, Server};

/// Cold start, idle memory, size of the binary.
#[derive(Args, Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Start {
    /// How often it is started.
    #[arg(long, default_value_t = 10)]
    pub times: usize,
}

/// Runs it.
///
/// # Errors
///
/// When the server does not start.
pub fn run(launch: &Launch, args: &Start) -> Result<()> {
    let (mut took, mut resident) = (Vec::new(), 0);
    for time in 0..args.times.max(1) {
        let server = Server::start(launch)?;
        took.push(server.ready_after.as_secs_f64() * 1000.0);
        if time == 0 {
            std::thread::sleep(Duration::from_secs(2));
            resident = server.resident()?;
        }
    }
    took.sort_by(f64::total_cmp);
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    let worst = took.last().copied().unwrap_or_default();
    let size = std::fs::metadata(&launch.binary)?.len();

    let mut report = Report::new(format!("start: {} times on an empty data directory", took.len()));
    report.goal("until ready, median", median, "ms", Goal::AtMost(300.0));
    report.goal("until ready, worst", worst, "ms", Goal::AtMost(300.0));
    report.goal("memory when idle", mebibytes(resident), "MiB", Goal::AtMost(40.0));
    report.goal("size of the binary", size as f64 / 1e6, "MB", Goal::AtMost(40.0));
    report.print()
}
