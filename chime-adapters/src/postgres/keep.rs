//! What a node keeps up with the database: its lock, its cursor, and the outbox it no longer needs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connect::{Connector, Session};
use super::error::Failure;
use super::follow::Shared;
use super::schema::signed;
use super::{PostgresError, Wire};

/// Key of the advisory lock on the database: "chime" and a number.
const HELD: i64 = 0x6368_696d_6500_0002;
/// How long a node that starts waits for one that is ending.
const ENDING: Duration = Duration::from_secs(5);
/// How often a node says how far it is.
const EVERY: Duration = Duration::from_secs(1);
/// Rows of the outbox that are forgotten in one transaction.
const SWEEP: i64 = 10_000;
/// Transactions of that kind in a row.
const SWEEPS: usize = 20;

/// The part of a node that says it is there.
pub(super) struct Keeper {
    connector: Connector,
    session: Option<Session>,
    node: String,
    alone: bool,
    shared: Arc<Shared>,
}

/// Takes the lock: for this node alone, or to share it with others that have a wire.
pub(super) async fn take(session: &Session, wire: &Wire) -> Result<(), PostgresError> {
    match wire {
        Wire::Alone => take_in_time(session, true, "this one has no wire to hear it by").await,
        _ => take_in_time(session, false, "that one has the database for itself").await,
    }
}

/// Takes the lock, alone or to share it, when whoever has it lets it go soon; `otherwise` says why it must.
pub(super) async fn take_in_time(
    session: &Session,
    alone: bool,
    otherwise: &'static str,
) -> Result<(), PostgresError> {
    let deadline = Instant::now() + ENDING;
    let mut said = false;
    while !try_take(session, alone).await? {
        if !std::mem::replace(&mut said, true) {
            tracing::warn!(
                seconds = ENDING.as_secs(),
                "another node has the database; waiting for it to end"
            );
        }
        if Instant::now() > deadline {
            return Err(PostgresError::InUse(otherwise));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn try_take(session: &Session, alone: bool) -> Result<bool, tokio_postgres::Error> {
    let sql =
        if alone { "SELECT pg_try_advisory_lock($1)" } else { "SELECT pg_try_advisory_lock_shared($1)" };
    session.client.query_one(sql, &[&HELD]).await?.try_get(0)
}

impl Keeper {
    pub(super) fn new(
        connector: Connector,
        session: Session,
        node: String,
        wire: &Wire,
        shared: Arc<Shared>,
    ) -> Self {
        let alone = matches!(wire, Wire::Alone);
        Self { connector, session: Some(session), node, alone, shared }
    }

    /// Keeps it up until the store is closed and its committers have ended; then the lock is let go.
    pub(super) async fn run(mut self, committers: Vec<JoinHandle<()>>) {
        let mut beats = tokio::time::interval(EVERY);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beats.tick() => {}
                () = self.shared.closed() => break,
            }
            if let Err(failure) = self.beat().await {
                tracing::debug!(error = %failure.explain(), "the node's place cannot be kept now");
                if let Some(session) = self.session.take() {
                    session.cut();
                }
            }
        }
        for committer in committers {
            // One that panicked has nothing left to do.
            let _ = committer.await;
        }
        // Without it the last announcements are carried on once more, which readers of the outbox expect.
        let _ = self.beat().await;
    }

    /// Finds out whether the lock is still held, and says how far this node is.
    async fn beat(&mut self) -> Result<(), Failure> {
        let patience = self.connector.patience;
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let session = self.connector.connect().await?;
                let taken = tokio::time::timeout(patience, try_take(&session, self.alone));
                let held = taken.await.unwrap_or_else(|_| Ok(false))?;
                if !held {
                    if !self.shared.taken.swap(true, Ordering::Relaxed) {
                        tracing::error!(
                            "another node took the database; this one writes nothing until it is free"
                        );
                    }
                    return Ok(());
                }
                if self.shared.taken.swap(false, Ordering::Relaxed) {
                    tracing::info!("the database is free again");
                }
                self.shared.look();
                session
            }
        };
        let settled = self.shared.kept.load(Ordering::Relaxed);
        let kept = tokio::time::timeout(patience, keep(&session, &self.node, settled));
        match kept.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(Failure::Silent),
        }
        self.session = Some(session);
        Ok(())
    }
}

/// Says how far a node has carried announcements on, and forgets those that every node has.
///
/// A node that has not been heard of for a minute is not waited for: its connections are gone, or it will notice.
pub(super) async fn keep(session: &Session, node: &str, settled: u64) -> Result<(), tokio_postgres::Error> {
    let client = &session.client;
    client
        .execute(
            "INSERT INTO outbox_cursor (node, position, seen_at) VALUES ($1, $2, now()) ON CONFLICT (node) \
             DO UPDATE SET position = GREATEST(outbox_cursor.position, excluded.position), seen_at = now()",
            &[&node, &signed(settled)],
        )
        .await?;
    let forgotten =
        client.execute("DELETE FROM outbox_cursor WHERE seen_at < now() - interval '1 hour'", &[]).await?;
    if forgotten > 0 {
        let sql = "DELETE FROM committer WHERE node NOT IN (SELECT node FROM outbox_cursor)";
        client.execute(sql, &[]).await?;
    }
    for _ in 0..SWEEPS {
        // One statement sees one floor: what it forgets and what it says is forgotten are the same.
        let swept = client
            .query_opt(
                "WITH least AS (SELECT min(position) AS position FROM outbox_cursor \
                 WHERE seen_at > now() - interval '60 seconds'), \
                 floor AS (UPDATE outbox_floor SET position = LEAST(least.position, outbox_floor.position + $1) \
                 FROM least WHERE outbox_floor.position < least.position RETURNING outbox_floor.position), \
                 gone AS (DELETE FROM outbox USING floor WHERE outbox.position <= floor.position \
                 AND outbox.position < (SELECT max(position) FROM outbox)) \
                 SELECT floor.position = least.position FROM floor, least",
                &[&SWEEP],
            )
            .await?;
        match swept {
            Some(row) if !row.try_get::<_, bool>(0)? => {}
            _ => break,
        }
    }
    Ok(())
}

/// Forgets nodes of an earlier life: whoever has the database alone need not wait for any.
pub(super) async fn forget_others(session: &Session) -> Result<(), tokio_postgres::Error> {
    session.client.batch_execute("DELETE FROM outbox_cursor; DELETE FROM committer").await
}
