//! Carries what was committed from the outbox to the bus, in commit order.

use std::sync::Arc;
use std::time::Duration;

use chime_domain::flow::Chime;
use chime_domain::ports::{Bus, Position};

use super::settle::Settling;
use crate::shutdown::Shutdown;

/// Announcements that are carried at once.
const RUN: usize = 512;
/// How long a store or bus that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until draining begins.
pub(crate) async fn relay(
    chime: Chime,
    bus: Arc<dyn Bus>,
    settling: Settling,
    from: Position,
    shutdown: Shutdown,
) {
    let mut cursor = from;
    while !shutdown.is_draining() {
        match step(&chime, &*bus, &settling, cursor).await {
            Ok(Some(carried)) => cursor = carried,
            Ok(None) => tokio::select! {
                () = chime.store().wait_past(cursor) => {}
                () = shutdown.draining() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "announcements cannot be carried on now");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.draining() => {}
                }
            }
        }
    }
}

async fn step(
    chime: &Chime,
    bus: &dyn Bus,
    settling: &Settling,
    cursor: Position,
) -> Result<Option<Position>, chime_domain::error::StoreError> {
    let run: Arc<[_]> = chime.store().announced(cursor, RUN).await?.into();
    let Some(last) = run.last().map(|announced| announced.position) else { return Ok(None) };
    bus.publish(run).await?;
    settling.relayed(last).await?;
    Ok(Some(last))
}
