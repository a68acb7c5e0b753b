//! What runs without being asked.

mod fanout;
mod flows;
mod relay;
mod scheduler;

use std::sync::Arc;

use chime_domain::error::StoreError;
use chime_domain::ports::Bus;

use crate::app::App;

pub use flows::Flows;
pub use scheduler::Scheduler;

/// Starts everything that runs without being asked: the scheduler, the relay from the outbox to the bus, and the
/// fan-out from the bus to the connections of this node.
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
    let scheduler = app.scheduler().clone().run(shutdown.clone());
    let outward = app.scheduler().clone().run_outward(shutdown.clone());
    let (hub, failures) = (app.hub().clone(), app.metrics().relay_failures());
    let relay = relay::relay(app.chime().clone(), bus, hub, settled, shutdown.clone(), failures);
    let fan_out = fanout::fan_out(app.clone(), subscription);
    for task in std::iter::repeat_with(|| shutdown.guard()).into_iter().zip([
        Box::pin(scheduler) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
        Box::pin(outward),
        Box::pin(relay),
        Box::pin(fan_out),
    ]) {
        let (guard, task) = task;
        tokio::spawn(async move {
            task.await;
            drop(guard);
        });
    }
    Ok(())
}
