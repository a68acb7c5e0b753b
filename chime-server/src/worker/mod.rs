//! What runs without being asked.

mod export;
mod fanout;
mod flows;
mod relay;
mod scheduler;
mod settle;

use std::pin::Pin;
use std::sync::Arc;

use chime_domain::error::StoreError;
use chime_domain::ports::Bus;

use crate::app::App;

pub use flows::Flows;
pub use scheduler::Scheduler;
use settle::Settling;

/// Starts everything that runs without being asked: the scheduler, the relay from the outbox to the bus, the fan-out
/// from the bus to the connections of this node, and streaming export.
///
/// # Errors
///
/// [`StoreError`] when the outbox or the bus cannot be reached.
pub async fn spawn(app: &App, bus: Arc<dyn Bus>) -> Result<(), StoreError> {
    let settled = app.chime().store().settled().await?;
    app.hub().begin_after(settled);
    let subscription = bus.subscribe().await?;
    let shutdown = app.shutdown();
    if let Some(roster) = app.roster() {
        // Before anybody is let in: a server that has not said that it is there has no connections that count.
        roster.say().await?;
        let app = app.clone();
        tokio::spawn(async move {
            if let Some(roster) = app.roster() {
                roster.keep(app.shutdown()).await;
            }
        });
    }
    if let Some(nodes) = app.options().media_nodes.clone() {
        if let Err(error) = nodes.look(app.chime()).await {
            tracing::warn!(%error, "this server cannot say which media it carries");
        }
        let (chime, shutdown) = (app.chime().clone(), shutdown.clone());
        tokio::spawn(async move {
            let guard = shutdown.guard();
            nodes.keep(&chime, &shutdown).await;
            drop(guard);
        });
    }
    let (settling, wakers) = (Settling::new(app.chime().clone(), settled), export::Wakers::default());
    let scheduler = app.scheduler().clone().run(shutdown.clone());
    let outward = app.scheduler().clone().run_outward(shutdown.clone());
    let patient = app.scheduler().clone().run_patient(shutdown.clone());
    let relay = relay::relay(app.clone(), bus, settling.clone(), settled);
    let fan_out = fanout::fan_out(app.clone(), subscription);
    let pump = export::pump(app.chime().clone(), settling, wakers.clone(), shutdown.clone());
    let drains = export::drain_all(app.clone(), wakers);
    let tasks: [Pin<Box<dyn Future<Output = ()> + Send>>; 7] = [
        Box::pin(scheduler),
        Box::pin(outward),
        Box::pin(patient),
        Box::pin(relay),
        Box::pin(fan_out),
        Box::pin(pump),
        Box::pin(drains),
    ];
    for task in tasks {
        let guard = shutdown.guard();
        tokio::spawn(async move {
            task.await;
            drop(guard);
        });
    }
    Ok(())
}
