//! Drives the pump.

use std::time::Duration;

use chime_domain::export::{Pump, Step};
use chime_domain::flow::Chime;

use super::Wakers;
use crate::shutdown::Shutdown;
use crate::worker::settle::Settling;

/// Announcements that are passed in one commit.
const RUN: usize = 512;
/// How long announcements gather before the next run: many in one commit cost little more than one.
const GATHER: Duration = Duration::from_millis(20);
/// How long a pump that was overtaken leaves the work to the one that overtook it.
const FOLLOW: Duration = Duration::from_secs(1);
/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until draining begins.
pub(crate) async fn pump(chime: Chime, settling: Settling, wakers: Wakers, shutdown: Shutdown) {
    let mut pump = Pump::new(chime.clone());
    while !shutdown.is_draining() {
        let pause = match step(&mut pump, &settling, &wakers).await {
            Ok(Step::Passed { full: true, .. }) => continue,
            Ok(Step::Passed { .. }) => GATHER,
            Ok(Step::Overtaken) => FOLLOW,
            Ok(Step::Idle) => {
                tokio::select! {
                    () = chime.store().wait_past(pump.position().unwrap_or_default()) => {}
                    () = shutdown.draining() => {}
                }
                continue;
            }
            Err(error) => {
                tracing::warn!(%error, "events cannot be queued for export now");
                PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.draining() => {}
        }
    }
}

async fn step(
    pump: &mut Pump,
    settling: &Settling,
    wakers: &Wakers,
) -> Result<Step, chime_domain::error::StoreError> {
    let step = pump.step(RUN).await?;
    if let Step::Passed { touched, .. } = &step {
        wakers.wake(touched);
    }
    if let Some(position) = pump.position() {
        settling.pumped(position).await?;
    }
    Ok(step)
}
