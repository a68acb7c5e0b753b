//! One drain for each group of data types that is drained together, of every app instance that streams.

use std::collections::HashMap;
use std::time::Duration;

use chime_domain::error::StoreError;
use chime_domain::export::{Drain, Drained, ExportGroup};
use chime_domain::ports::SinkError;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::pause::Pauses;
use super::{Wakers, record};
use crate::app::App;
use crate::telemetry::Stopwatch;

/// Events that are handed to the sink at once: as many as one call of Kinesis takes.
const RUN: usize = 500;
/// How often queues are looked at although nothing is known to be in them: other nodes fill them too.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the lengths of the queues are measured.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// Runs until draining begins.
pub(crate) async fn drain_all(app: App, wakers: Wakers) {
    let shutdown = app.shutdown().clone();
    let mut running: HashMap<(String, ExportGroup), JoinHandle<()>> = HashMap::new();
    let mut measured = None::<Stopwatch>;
    while !shutdown.is_draining() {
        running.retain(|_, drain| !drain.is_finished());
        match app.chime().exports().await {
            Ok(exports) => {
                if measured.is_none_or(|at| at.elapsed() >= MEASURE_EVERY) {
                    measured = Some(Stopwatch::start());
                    measure(&app, exports.iter().map(|(id, _)| id.as_str())).await;
                }
                for (id, groups) in exports {
                    for group in groups {
                        running
                            .entry((id.clone(), group))
                            .or_insert_with(|| start(&app, &wakers, &id, group));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the queues of export cannot be read now"),
        }
        tokio::select! {
            () = wakers.all.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shutdown.draining() => {}
        }
    }
    for drain in running.into_values() {
        // One that panicked has nothing left to be waited for.
        let _ = drain.await;
    }
}

async fn measure(app: &App, ids: impl Iterator<Item = &str>) {
    let mut backlogs = Vec::new();
    for id in ids {
        if let Ok(backlog) = app.chime().export_backlog(id).await {
            backlogs.push((id.to_owned(), backlog));
        }
    }
    app.metrics().export().queues_are(&backlogs, app.chime().now());
}

fn start(app: &App, wakers: &Wakers, id: &str, group: ExportGroup) -> JoinHandle<()> {
    let (app, wakers, id) = (app.clone(), wakers.clone(), id.to_owned());
    tokio::spawn(async move {
        let waker = wakers.add(&id);
        let mut drain = Drain::new(app.chime().clone(), &id, group);
        run(&app, &id, &mut drain, &waker).await;
        wakers.remove(&id, &waker);
        if let Err(error) = drain.release().await {
            tracing::debug!(%error, "a lease of export ends by itself");
        }
    })
}

async fn run(app: &App, id: &str, drain: &mut Drain, waker: &Notify) {
    let (shutdown, mut pauses) = (app.shutdown(), Pauses::default());
    while !shutdown.is_draining() {
        let step = drain.step(RUN, &record::of).await;
        if let Ok(Drained::Moved { delivered, .. } | Drained::Failed { delivered, .. }) = &step {
            app.metrics().export().delivered(*delivered);
            if *delivered > 0 {
                pauses.reset();
            }
        }
        let failed = match step {
            Ok(Drained::Moved { .. }) => continue,
            Ok(Drained::Over) => return,
            Ok(Drained::Idle | Drained::Behind) => {
                tokio::select! {
                    () = waker.notified() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = shutdown.draining() => {}
                }
                continue;
            }
            Ok(Drained::Failed { error, .. }) => Failure::Sink(error),
            Err(error) => Failure::Store(error),
        };
        app.metrics().export().failed(failed.reason());
        if pauses.is_fresh() {
            tracing::warn!(error = %failed, app_instance = id, "events cannot be exported now and wait");
        }
        let pause = pauses.next(app.chime().entropy());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.draining() => {}
        }
    }
}

/// Why events wait.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}", in_full(.0))]
    Sink(SinkError),
    #[error("{0}")]
    Store(StoreError),
}

/// With the driver's own words.
fn in_full(error: &SinkError) -> String {
    match error {
        SinkError::Unavailable(cause) => format!("{error}: {cause}"),
        SinkError::Rejected(_) | SinkError::Throttled => error.to_string(),
    }
}

impl Failure {
    const fn reason(&self) -> &'static str {
        match self {
            Self::Sink(SinkError::Rejected(_)) => "rejected",
            Self::Sink(SinkError::Throttled) => "throttled",
            Self::Sink(SinkError::Unavailable(_)) => "unavailable",
            Self::Store(_) => "store",
        }
    }
}
