//! Gives what the bus brings to the connections of this node, and asks them whether they are still there.

use std::time::Duration;

use chime_domain::ports::Subscription;

use crate::app::App;

/// How often connections are pinged; one that answers none until the next is closed.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Announcements that are given to connections before it is looked whether these keep up.
const STEP: usize = 32;
/// How long the fan-out waits for connections that are behind, at most.
const PATIENCE: Duration = Duration::from_millis(500);

/// Runs until draining begins, and then closes every connection.
pub(crate) async fn fan_out(app: App, mut bus: Box<dyn Subscription>) {
    let (hub, shutdown) = (app.hub(), app.shutdown());
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            run = bus.next() => match run {
                Some(run) => {
                    for step in run.chunks(STEP) {
                        let applied = hub.apply(step);
                        app.metrics().delivered(applied.deliveries);
                        let caught_up = async {
                            for outgoing in &applied.behind {
                                outgoing.caught_up().await;
                            }
                        };
                        // What goes on being behind is closed when its queue is full.
                        let _ = tokio::time::timeout(PATIENCE, caught_up).await;
                    }
                    if let Some(nodes) = &app.options().media_nodes
                        && tokio::time::timeout(PATIENCE, nodes.hear(&run)).await.is_err()
                    {
                        tracing::warn!("the media of this node take too long to be told");
                    }
                }
                None => break,
            },
            _ = pings.tick() => hub.ping(),
            () = shutdown.draining() => break,
        }
    }
    hub.close_all();
}
