//! The wire without a bus: `NOTIFY` wakes the other nodes, which then look into the outbox.
//!
//! A notification inside a commit serialises all writers of the database; so it is sent outside, by a session of its
//! own, once for everything that was committed meanwhile.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::AsyncMessage;

use super::connect::Connector;
use super::follow::Shared;

/// Least time between two notifications.
const AT_MOST_EVERY: Duration = Duration::from_millis(5);
/// How long a database that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Wakes the other nodes when this one has committed.
pub(super) async fn wake(connector: Connector, shared: Arc<Shared>) {
    let mut session = None;
    loop {
        tokio::select! {
            () = shared.stir.notified() => {}
            () = shared.closed() => return,
        }
        let opened = match session.take() {
            Some(session) => Some(session),
            None => connector.connect().await.ok(),
        };
        if let Some(open) = opened {
            let told =
                tokio::time::timeout(connector.patience, open.client.batch_execute("NOTIFY chime_outbox"));
            if matches!(told.await, Ok(Ok(()))) {
                session = Some(open);
            }
        }
        tokio::time::sleep(if session.is_some() { AT_MOST_EVERY } else { PAUSE }).await;
    }
}

/// Looks into the outbox when another node has committed.
pub(super) async fn listen(connector: Connector, shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = listen_once(&connector, &shared) => {}
            () = shared.closed() => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_once(connector: &Connector, shared: &Shared) {
    let Ok((client, mut connection)) = connector.listen().await else { return };
    let mut listening = Box::pin(client.batch_execute("LISTEN chime_outbox"));
    let mut begun = false;
    loop {
        let message = poll_fn(|context| {
            if !begun && let std::task::Poll::Ready(done) = listening.as_mut().poll(context) {
                begun = true;
                if done.is_err() {
                    return std::task::Poll::Ready(None);
                }
                // What was committed before this is not told any more.
                shared.look();
            }
            connection.poll_message(context)
        });
        match message.await {
            Some(Ok(AsyncMessage::Notification(_))) => shared.look(),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    }
}
