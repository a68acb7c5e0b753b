//! Gives what the bus brings to the connections of this node, and asks them whether they are still there.

use std::time::Duration;

use chime_domain::ports::Subscription;

use crate::app::App;

/// How often connections are pinged; one that answers none until the next is closed.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Runs until draining begins, and then closes every connection.
pub(crate) async fn fan_out(app: App, mut bus: Box<dyn Subscription>) {
    let (hub, shutdown) = (app.hub(), app.shutdown());
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            run = bus.next() => match run {
                Some(run) => app.metrics().delivered(hub.apply(&run)),
                None => break,
            },
            _ = pings.tick() => hub.ping(),
            () = shutdown.draining() => break,
        }
    }
    hub.close_all();
}
