//! Carries what was committed from the outbox to the bus, in commit order, and forgets it there.

use std::sync::Arc;
use std::time::Duration;

use chime_domain::error::StoreError;
use chime_domain::flow::Chime;
use chime_domain::ports::{Bus, Position};

use super::settle::Settling;
use crate::app::App;

/// Announcements that are carried at once.
const RUN: usize = 512;
/// How long a store or bus that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until draining begins.
pub(crate) async fn relay(app: App, bus: Arc<dyn Bus>, settling: Settling, from: Position) {
    let (chime, shutdown, failures) = (app.chime(), app.shutdown(), app.metrics().relay_failures());
    let mut cursor = from;
    while !shutdown.is_draining() {
        match step(chime, &*bus, &settling, cursor).await {
            Ok(Step::Carried(carried)) => cursor = carried,
            Ok(Step::Missed(settled)) => {
                tracing::warn!("announcements were missed; every connection starts over");
                app.hub().start_over(settled);
                cursor = settled;
            }
            Ok(Step::Nothing) => tokio::select! {
                () = chime.store().wait_past(cursor) => {}
                () = shutdown.draining() => {}
            },
            Err(error) => {
                failures.inc();
                tracing::warn!(%error, "announcements cannot be carried on now");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.draining() => {}
                }
            }
        }
    }
}

/// What one step did.
enum Step {
    /// There is nothing to carry.
    Nothing,
    /// Everything up to here was carried.
    Carried(Position),
    /// The store has forgotten what was not carried yet, up to here.
    Missed(Position),
}

async fn step(
    chime: &Chime,
    bus: &dyn Bus,
    settling: &Settling,
    cursor: Position,
) -> Result<Step, StoreError> {
    let settled = chime.store().settled().await?;
    if settled > cursor {
        return Ok(Step::Missed(settled));
    }
    let run: Arc<[_]> = chime.store().announced(cursor, RUN).await?.into();
    let Some(last) = run.last().map(|announced| announced.position) else { return Ok(Step::Nothing) };
    bus.publish(run).await?;
    settling.relayed(last).await?;
    Ok(Step::Carried(last))
}

#[cfg(test)]
mod tests {
    use chime_adapters::memory::{InProcessBus, Local};
    use chime_domain::ports::{Announce, Batch, Key, Record};

    use super::*;

    #[tokio::test]
    async fn what_the_store_forgot_before_it_was_carried_is_missed_and_what_follows_is_carried() {
        let (local, bus) = (Local::new().await.unwrap(), InProcessBus::new());
        let chime = Chime::clone(&local);
        let announce = Announce { subject: Key::new("s", &[]), record: Record::from_bytes(*b"x 1 {}") };
        let batch = Batch { announce: vec![announce.clone(), announce.clone()], ..Batch::default() };
        let forgotten = chime.store().commit(batch).await.unwrap().position;
        chime.store().settle(forgotten).await.unwrap();
        let settling = Settling::new(chime.clone(), forgotten);
        let before = Position(forgotten.0 - 1);
        assert!(
            matches!(step(&chime, &bus, &settling, before).await, Ok(Step::Missed(at)) if at == forgotten)
        );
        assert!(matches!(step(&chime, &bus, &settling, forgotten).await, Ok(Step::Nothing)));
        let batch = Batch { announce: vec![announce], ..Batch::default() };
        let next = chime.store().commit(batch).await.unwrap().position;
        assert!(
            matches!(step(&chime, &bus, &settling, forgotten).await, Ok(Step::Carried(at)) if at == next)
        );
    }
}
