//! The store: opening, closing, and the ports.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use async_trait::async_trait;
use chime_domain::error::StoreError;
use chime_domain::ports::{
    Announced, Batch, Committed, Entry, EntryId, EntryQuery, Head, Key, Outbox, Position, Scan, Store,
    Versioned,
};

use super::commit::{Shared, Writer};
use super::error::closed;
use super::read::{self, Readers};
use super::state::State;
use super::{SqliteConfig, SqliteError, checkpoint, outbox, schema};

/// A store in one SQLite database.
///
/// Dropping it commits what waits, and leaves everything in the database file alone.
#[derive(Debug)]
pub struct SqliteStore {
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    checkpointer: thread::Thread,
    /// Held as long as the database is open.
    _lock: File,
}

impl SqliteStore {
    /// Opens a database, makes it when there is none, and brings it to this release's version.
    ///
    /// # Errors
    ///
    /// [`SqliteError`].
    pub fn open(config: SqliteConfig) -> Result<Self, SqliteError> {
        let lock = lock(&config)?;
        let mut connection = schema::connect(&config.path, config.durability)?;
        schema::migrate(&mut connection)?;
        let state = State::load(&connection)?;
        let shared = Arc::new(Shared::new(config.queue, config.cache, &state));
        let readers = Readers::new(config.queue);
        let over = Arc::new(AtomicBool::new(false));

        let beside = schema::connect(&config.path, config.durability)?;
        let until = Arc::clone(&over);
        let checkpointer = spawn("chime-checkpoint", move || checkpoint::beside(&beside, &until))?;
        let mut store = Self {
            shared: Arc::clone(&shared),
            readers,
            over,
            checkpointer: checkpointer.thread().clone(),
            threads: vec![checkpointer],
            _lock: lock,
        };
        // From here on, dropping the store ends the threads that were started.
        for _ in 0..config.readers {
            let connection = schema::connect(&config.path, config.durability)?;
            connection.pragma_update(None, "query_only", true)?;
            let readers = Arc::clone(&store.readers);
            store.threads.push(spawn("chime-read", move || readers.serve(&connection))?);
        }
        let writer = Writer::new(connection, state, shared, store.checkpointer.clone())?;
        // Last, so that it is the last to end and can empty the log.
        store.threads.push(spawn("chime-write", move || writer.run())?);
        Ok(store)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.checkpointer.unpark();
        self.readers.close();
        let writer = self.threads.pop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to do.
            let _ = thread.join();
        }
        self.shared.queue.close();
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }
}

/// Takes the lock file beside the database.
pub(super) fn lock(config: &SqliteConfig) -> Result<File, SqliteError> {
    if let Some(directory) = config.path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    let mut path = config.path.clone().into_os_string();
    path.push(".lock");
    let file = private().open(path)?;
    match file.try_lock() {
        Ok(()) => {
            // The database holds keys and messages. What SQLite puts beside it gets the mode of the file.
            private().open(&config.path)?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(SqliteError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// How files are made that are for their owner alone.
fn private() -> OpenOptions {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SqliteError> {
    Ok(thread::Builder::new().name(name.to_owned()).spawn(work)?)
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, StoreError> {
        let asked = match self.shared.cache.get(keys) {
            Ok(found) => return Ok(found),
            Err(asked) => asked,
        };
        let wanted = keys.to_vec();
        let found = self.readers.read(move |connection| read::get(connection, &wanted)).await?;
        self.shared.cache.fill(asked, keys, &found);
        Ok(found)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<(Key, Versioned)>, StoreError> {
        self.readers.read(move |connection| read::scan(connection, &scan)).await
    }

    async fn count(&self, counter: &Key) -> Result<u64, StoreError> {
        let counter = counter.clone();
        self.readers.read(move |connection| read::count(connection, &counter)).await
    }

    async fn entry(&self, stream: &Key, id: &EntryId) -> Result<Option<Entry>, StoreError> {
        let (stream, id) = (stream.clone(), id.clone());
        self.readers.read(move |connection| read::entry(connection, &stream, &id)).await
    }

    async fn entries(&self, query: EntryQuery) -> Result<Vec<Entry>, StoreError> {
        self.readers.read(move |connection| read::entries(connection, &query)).await
    }

    async fn heads(&self, streams: &[Key]) -> Result<Vec<Head>, StoreError> {
        let streams = streams.to_vec();
        self.readers.read(move |connection| read::heads(connection, &streams)).await
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.shared.queue.submit(batch, false)?.await.map_err(|_| closed())?
    }

    async fn commit_patiently(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.shared.queue.submit(batch, true)?.await.map_err(|_| closed())?
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn announced(&self, after: Position, limit: usize) -> Result<Vec<Announced>, StoreError> {
        let settled = self.settled().await?;
        if let Some(announced) = self.shared.tail.read(after, settled, limit) {
            return Ok(announced);
        }
        // What is settled may have been forgotten in part; a part would only mislead.
        let after = after.max(settled);
        self.readers.read(move |connection| outbox::read(connection, after, limit)).await
    }

    async fn newest(&self) -> Result<Position, StoreError> {
        Ok(*self.shared.newest.borrow())
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        Ok(Position(self.shared.settled.load(Ordering::Relaxed)))
    }

    async fn wait_past(&self, position: Position) {
        // The sender lives as long as `self`, so the wait ends by an announcement only.
        let _ = self.shared.newest.subscribe().wait_for(|newest| *newest > position).await;
    }

    async fn settle(&self, position: Position) -> Result<(), StoreError> {
        let newest = self.shared.newest.borrow().0;
        self.shared.settled.fetch_max(position.0.min(newest), Ordering::Relaxed);
        Ok(())
    }
}
