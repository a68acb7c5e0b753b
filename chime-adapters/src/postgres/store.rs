//! The store: opening, closing, and the ports.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announced, Batch, Committed, Entry, EntryId, EntryQuery, Head, Key, Outbox, Position, Scan, Store,
    Versioned,
};
use tokio::time::Instant;

use super::commit::Committer;
use super::connect::{Connector, Readers};
use super::error::{Failure, Told};
use super::follow::{self, Shared};
use super::keep::{self, Keeper};
use super::queue::Queues;
use super::{PostgresConfig, PostgresError, Wire, notify, read, schema};

/// How many times as long as a patient commit the rest after it is, and the longest.
const REST: u32 = 9;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// A store in one Postgres database, which several processes may have open.
///
/// It needs a tokio runtime with time and I/O, which must go on after it was dropped for the last commits to be made
/// and for its lock to be let go.
pub struct PostgresStore {
    shared: Arc<Shared>,
    queues: Queues,
    node: String,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("node", &self.node).finish_non_exhaustive()
    }
}

impl From<Failure> for PostgresError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => Self::Unusable(Box::new(Told(error))),
            Failure::Silent => Self::Unusable("it does not answer".into()),
        }
    }
}

impl PostgresConfig {
    /// Brings the database to this release's version, and gives its id, which no other has: nodes on one database can
    /// meet by it.
    ///
    /// # Errors
    ///
    /// [`PostgresError`].
    pub async fn identify(&self) -> Result<String, PostgresError> {
        let mut session = Connector::new(self)?.connect().await?;
        schema::migrate(&mut session.client).await
    }
}

impl PostgresStore {
    /// Opens a database and brings it to this release's version.
    ///
    /// A node that is alone carries on what an earlier one left; one among others begins at the newest announcement.
    ///
    /// # Errors
    ///
    /// [`PostgresError`].
    pub async fn open(config: PostgresConfig) -> Result<Self, PostgresError> {
        let connector = Connector::new(&config)?;
        let mut session = connector.connect().await?;
        schema::migrate(&mut session.client).await?;
        let wire = config.wire.clone();
        if !matches!(wire, Wire::Beside) {
            keep::take(&session, &wire).await?;
        }
        let heard = match &wire {
            // Before the newest position is read: what comes later is heard.
            Wire::Bus(bus) => {
                Some(bus.subscribe().await.map_err(|error| PostgresError::Unusable(Box::new(error)))?)
            }
            _ => None,
        };
        let readers = Readers::new(&connector, config.readers)?;
        let unusable = |error: StoreError| PostgresError::Unusable(Box::new(error));
        let newest = read::newest(&readers).await.map_err(unusable)?;
        if matches!(wire, Wire::Alone) {
            keep::forget_others(&session).await?;
        }
        let floor = read::floor(&readers).await.map_err(unusable)?;
        let settled = if matches!(wire, Wire::Alone) { floor } else { newest };
        if !matches!(wire, Wire::Beside) {
            // What was there before is kept until this node says that it is not needed any more.
            keep::keep(&session, &config.node, floor.0).await?;
        }
        let (shared, told) = Shared::new(readers, newest, settled, floor, matches!(wire, Wire::Bus(_)));
        let shared = Arc::new(shared);

        let committers = if matches!(wire, Wire::Beside) { 0 } else { config.committers };
        let (queues, receivers) = Queues::new(committers, config.queue);
        let committers: Vec<_> = receivers
            .into_iter()
            .enumerate()
            .map(|(place, queue)| {
                let node = config.node.clone();
                let committer = Committer::new(connector.clone(), node, place, Arc::clone(&shared));
                tokio::spawn(committer.run(queue))
            })
            .collect();
        tokio::spawn(follow::follow(Arc::clone(&shared), heard));
        match (&wire, told) {
            (Wire::Bus(bus), Some(told)) => drop(tokio::spawn(follow::tell(Arc::clone(bus), told))),
            (Wire::Notify, _) => {
                tokio::spawn(notify::wake(connector.clone(), Arc::clone(&shared)));
                tokio::spawn(notify::listen(connector.clone(), Arc::clone(&shared)));
            }
            _ => {}
        }
        if !matches!(wire, Wire::Beside) {
            let keeper = Keeper::new(connector, session, config.node.clone(), &wire, Arc::clone(&shared));
            tokio::spawn(keeper.run(committers));
        }
        Ok(Self { shared, queues, node: config.node })
    }

    /// The id of this node, which no other has.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.shared.closing.send_replace(true);
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError> {
        read::get(&self.shared.readers, keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Versioned)>, StoreError> {
        read::scan(&self.shared.readers, &scan).await
    }

    async fn count(&self, counter: &Key) -> Result<u64, StoreError> {
        read::count(&self.shared.readers, counter).await
    }

    async fn entry(&self, stream: &Key, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        read::entry(&self.shared.readers, stream, id).await
    }

    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, StoreError> {
        read::entries(&self.shared.readers, &query).await
    }

    async fn heads(&self, streams: &[Key]) -> Result<Vec<Head>, StoreError> {
        read::heads(&self.shared.readers, streams).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        if self.shared.taken.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable {
                reason: "another node has taken the database".into(),
                source: None,
            });
        }
        self.queues.submit(batch)?.await.map_err(|_| super::error::closed())?
    }

    async fn commit_patiently(&self, batch: Batch) -> Result<Committed, StoreError> {
        let began = Instant::now();
        let done = self.commit(batch).await;
        tokio::time::sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
        done
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn announced(&self, after: Position, limit: usize) -> Result<Vec<Announced>, StoreError> {
        match self.shared.tail.read(after, limit) {
            Some(announced) => Ok(announced),
            None => read::announced(&self.shared.readers, after, limit).await,
        }
    }

    async fn newest(&self) -> Result<Position, StoreError> {
        self.shared.newest().await
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        Ok(Position(self.shared.settled.load(Ordering::Relaxed)))
    }

    async fn wait_past(&self, position: Position) {
        // The sender lives as long as `self`, so the wait ends by an announcement only.
        let _ = self.shared.tail.end.subscribe().wait_for(|end| *end > position).await;
    }

    async fn settle(&self, position: Position) -> Result<(), StoreError> {
        let end = self.shared.tail.end();
        let position = position.min(end).0;
        self.shared.settled.fetch_max(position, Ordering::Relaxed);
        self.shared.kept.fetch_max(position, Ordering::Relaxed);
        Ok(())
    }
}
