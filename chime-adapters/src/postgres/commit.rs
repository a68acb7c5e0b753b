//! A committer: one session, one transaction for all that waits.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chime_domain::error::StoreError;
use chime_domain::ports::{Announced, Committed, Entropy, Position};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;

use super::apply::State;
use super::connect::{Connector, Session};
use super::error::{Failure, busy};
use super::facts::{Reading, Wanted};
use super::follow::Shared;
use super::queue::Submission;
use super::write::{self, Mark, Writing};
use crate::SystemEntropy;

/// Batches that share one transaction at most, so that none waits long for the others.
const GROUP: usize = 256;
/// Ids of streams in one block, more than a group can make; the migrations say so too.
const BLOCK: i64 = 1 << 20;
/// How long a database that was out of reach is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// A session that is ready to commit.
struct Ready {
    session: Session,
    /// Of the last transaction that it committed.
    mark: i64,
    reading: Reading,
    writing: Writing,
    /// Ids of streams that it may give out.
    ids: Range<i64>,
}

/// Why a group was not committed.
enum Stop {
    /// Nothing of it was.
    Failed(Failure),
    /// The answer to the end of the transaction with this mark is missing; what it makes.
    Unknown { mark: i64, outcomes: Outcomes },
}

/// What the batches of a group are answered.
type Outcomes = Vec<Result<Committed, StoreError>>;

pub(super) struct Committer {
    connector: Connector,
    node: String,
    place: i32,
    ready: Option<Ready>,
    /// Until when the database is left alone.
    pause: Option<Instant>,
    shared: Arc<Shared>,
}

impl Committer {
    pub(super) fn new(connector: Connector, node: String, place: usize, shared: Arc<Shared>) -> Self {
        let place = i32::try_from(place).unwrap_or(i32::MAX);
        Self { connector, node, place, ready: None, pause: None, shared }
    }

    /// Commits until the store is closed and nothing waits any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Submission>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            self.commit(std::mem::take(&mut group)).await;
        }
    }

    async fn commit(&mut self, mut group: Vec<Submission>) {
        let patience = self.connector.patience;
        for late in group.extract_if(.., |one| one.at.elapsed() > patience) {
            let _ = late.reply.send(Err(busy()));
        }
        if group.is_empty() {
            return;
        }
        let failure = match self.try_group(&group).await {
            Ok((outcomes, announced)) => {
                // Readers see what was committed before those who submitted it hear of it.
                self.shared.committed(announced);
                for (submission, outcome) in group.into_iter().zip(outcomes) {
                    // Nobody waits for the outcome of a commit whose future was dropped.
                    let _ = submission.reply.send(outcome);
                }
                return;
            }
            Err(failure) => failure,
        };
        if group.len() > 1 && failure.blames_a_batch() {
            for submission in group {
                Box::pin(self.commit(vec![submission])).await;
            }
            return;
        }
        tracing::debug!(error = %failure.explain(), "a group of commits failed");
        for submission in group {
            let _ = submission.reply.send(Err(failure.explain()));
        }
    }

    /// Commits a group, trying again as long as that may help.
    async fn try_group(&mut self, group: &[Submission]) -> Result<(Outcomes, Vec<Announced>), Reason> {
        let deadline = Instant::now() + self.connector.patience;
        let mut overtaken = 0_u32;
        let mut reconnected = false;
        loop {
            if self.pause.is_some_and(|until| until > Instant::now()) {
                return Err(Reason::Failed(Failure::Silent));
            }
            let fresh = self.ready.is_none();
            match self.attempt(group).await {
                Ok(done) => return Ok(done),
                Err(Stop::Unknown { mark, outcomes }) => {
                    self.cut();
                    match self.look_up(mark).await {
                        Some(true) => {
                            // The positions are not known, but those in the outbox are read from there.
                            let position = self.shared.newest().await.unwrap_or_default();
                            self.shared.look();
                            let told = |outcome: Result<Committed, StoreError>| {
                                outcome.map(|done| Committed { position, ..done })
                            };
                            return Ok((outcomes.into_iter().map(told).collect(), Vec::new()));
                        }
                        Some(false) if Instant::now() < deadline => {}
                        Some(false) => return Err(Reason::Failed(Failure::Silent)),
                        None => return Err(Reason::Unknown),
                    }
                }
                Err(Stop::Failed(failure)) if failure.is_overtaken() && Instant::now() < deadline => {
                    overtaken += 1;
                    if overtaken > 3 {
                        tokio::time::sleep(spread(overtaken)).await;
                    }
                }
                Err(Stop::Failed(failure)) if failure.ends_connection() => {
                    self.cut();
                    // A session that ended while it was idle says nothing about the database.
                    if !fresh && !reconnected && !matches!(failure, Failure::Silent) {
                        reconnected = true;
                        continue;
                    }
                    self.pause = Some(Instant::now() + PAUSE);
                    return Err(Reason::Failed(failure));
                }
                Err(Stop::Failed(failure)) => {
                    if failure.is_overtaken() {
                        // Should its mark have gone, a new session has a new one.
                        self.cut();
                    }
                    return Err(Reason::Failed(failure));
                }
            }
        }
    }

    /// Gives the session up.
    fn cut(&mut self) {
        if let Some(ready) = self.ready.take() {
            ready.session.cut();
        }
    }

    async fn attempt(&mut self, group: &[Submission]) -> Result<(Outcomes, Vec<Announced>), Stop> {
        let patience = self.connector.patience;
        let wanted = Wanted::of(group.iter().map(|one| &one.batch));
        let node = self.node.clone();
        let ready = self.prepared(wanted.streams()).await.map_err(Stop::Failed)?;
        let client = &ready.session.client;
        let facts = match ready.reading.read(client, &wanted, patience).await {
            Ok(read) => read,
            Err(failure) => {
                if !failure.ends_connection() {
                    let _ = client.batch_execute("ROLLBACK").await;
                }
                return Err(Stop::Failed(failure));
            }
        };
        let mut state = State::new(facts, ready.ids.clone());
        let mut outcomes = Vec::with_capacity(group.len());
        for submission in group {
            outcomes.push(state.apply(&submission.batch));
        }
        ready.ids = state.ids();
        if outcomes.iter().all(Result::is_err) {
            // What was locked is let go, and nothing was relied on but to refuse.
            let ended = client.batch_execute("ROLLBACK").await;
            return match ended {
                Ok(()) => Ok((outcomes, Vec::new())),
                Err(error) => Err(Stop::Failed(error.into())),
            };
        }
        let mark = Mark { node, before: ready.mark, after: random_mark() };
        let before = match ready.writing.write(client, &mark, &state, patience).await {
            Ok(before) => {
                ready.mark = mark.after;
                before
            }
            Err(failure) if failure.ends_connection() => {
                return Err(Stop::Unknown { mark: mark.after, outcomes });
            }
            Err(failure) => return Err(Stop::Failed(failure)),
        };
        for done in outcomes.iter_mut().flatten() {
            done.position = Position(before.0 + done.position.0);
        }
        Ok((outcomes, write::announced(state.announced, before)))
    }

    /// The session, with ids for so many streams.
    async fn prepared(&mut self, streams: usize) -> Result<&mut Ready, Failure> {
        let ready = match self.ready.take() {
            Some(ready) => ready,
            None => open(&self.connector, &self.node, self.place).await?,
        };
        let ready = self.ready.insert(ready);
        let left = ready.ids.end - ready.ids.start;
        if left < i64::try_from(streams).unwrap_or(i64::MAX) {
            let row = ready.session.client.query_one("SELECT nextval('stream_block')", &[]).await?;
            let block: i64 = row.try_get(0)?;
            ready.ids = block * BLOCK..(block + 1) * BLOCK;
        }
        Ok(ready)
    }

    /// What became of a transaction whose end was not answered; `None` when that cannot be found out in time.
    async fn look_up(&self, mark: i64) -> Option<bool> {
        let deadline = Instant::now() + self.connector.patience;
        let mut pause = Duration::from_millis(20);
        while Instant::now() < deadline {
            if let Ok(committed) = self.fence(mark).await {
                return Some(committed);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE);
        }
        tracing::warn!("the outcome of a transaction is not known: the database stays away");
        None
    }

    /// Whether the transaction with this mark was committed. If it is under way it is waited for, if it has not set its
    /// mark it will not be able to.
    async fn fence(&self, mark: i64) -> Result<bool, Failure> {
        let session = self.connector.connect().await?;
        let (client, parameters): (_, [&(dyn ToSql + Sync); 3]) =
            (&session.client, [&self.node, &mark, &self.place]);
        let asked = async {
            let sql = "INSERT INTO committer (node, mark, place, fenced) VALUES ($1, $2, $3, true) ON CONFLICT DO NOTHING";
            client.execute(sql, &parameters).await?;
            let sql = "SELECT fenced FROM committer WHERE node = $1 AND mark = $2";
            client.query_one(sql, &[&self.node, &mark]).await?.try_get::<_, bool>(0)
        };
        let fenced =
            tokio::time::timeout(self.connector.patience, asked).await.map_err(|_| Failure::Silent)??;
        Ok(!fenced)
    }
}

/// A mark that no transaction of this committer has had.
fn random_mark() -> i64 {
    let mut random = [0; 8];
    SystemEntropy.fill(&mut random);
    i64::from_be_bytes(random)
}

/// Why a group failed, as its submitters are told.
enum Reason {
    Failed(Failure),
    Unknown,
}

impl Reason {
    fn blames_a_batch(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.may_blame_a_batch())
    }

    fn explain(&self) -> StoreError {
        match self {
            Self::Failed(failure) => failure.explain(),
            Self::Unknown => StoreError::Unavailable {
                reason: "the database went away before it said whether it has committed".into(),
                source: None,
            },
        }
    }
}

async fn open(connector: &Connector, node: &str, place: i32) -> Result<Ready, Failure> {
    let session = connector.connect().await?;
    let mark = random_mark();
    let prepare = async {
        // What an earlier session of this committer left under way cannot set its mark any more.
        let sql = "DELETE FROM committer WHERE node = $1 AND place = $2";
        session.client.execute(sql, &[&node, &place]).await?;
        let sql = "INSERT INTO committer (node, mark, place, fenced) VALUES ($1, $2, $3, false)";
        session.client.execute(sql, &[&node, &mark, &place]).await?;
        let reading = Reading::prepare(&session.client).await?;
        let writing = Writing::prepare(&session.client).await?;
        Ok::<_, tokio_postgres::Error>((reading, writing))
    };
    match tokio::time::timeout(connector.patience, prepare).await {
        Ok(prepared) => {
            let (reading, writing) = prepared?;
            Ok(Ready { session, mark, reading, writing, ids: 0..0 })
        }
        Err(_) => Err(Failure::Silent),
    }
}

/// How long one that was overtaken so often waits: longer each time, and not as long as another.
fn spread(overtaken: u32) -> Duration {
    let mut random = [0; 2];
    SystemEntropy.fill(&mut random);
    let most = 1_u64 << overtaken.min(7);
    Duration::from_micros(u64::from(u16::from_be_bytes(random)) * most * 1000 / u64::from(u16::MAX))
}
