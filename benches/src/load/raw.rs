//! What the machine gives without a server: figures to put beside those of the server, from the same run.

use std::io::{Read, Seek, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chime_adapters::sqlite::{Durability, SqliteConfig, SqliteStore};
use chime_domain::ports::{Append, Batch, Change, Entity, EntryId, Guard, Keep, Key, Record, Store};
use chime_domain::time::Timestamp;
use rustix::event::{Timespec, epoll};

use super::tally::Times;

/// Bytes of a frame as the scenarios send them.
const FRAME: usize = 900;

#[derive(serde::Serialize, serde::Deserialize)]
struct Text(String);

impl Entity for Text {
    const NAME: &'static str = "text";
}

/// A new SQLite store below a directory.
///
/// # Errors
///
/// The store's.
pub fn sqlite(place: &Path, durability: Durability) -> Result<SqliteStore> {
    let file = place.join(format!("{durability:?}.db"));
    Ok(SqliteStore::open(SqliteConfig::new(file).with_durability(durability))?)
}

/// A log in a store, to which entries of 500 bytes are appended as messages are: guarded by a record.
#[derive(Debug)]
pub struct Log {
    store: Arc<dyn Store>,
    guard: Guard,
    stream: Key,
    next: AtomicU64,
}

impl Log {
    /// Makes the record that guards.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn new(store: Arc<dyn Store>) -> Result<Self> {
        let key = Key::new("channel", &["c"]);
        let changes = vec![Change::Put(key.clone(), Record::of(Text("x".repeat(300))))];
        store.commit(Batch { changes, ..Batch::default() }).await?;
        let found = store.get(std::slice::from_ref(&key)).await?;
        let revision = found.into_iter().flatten().next().map(|found| found.revision);
        let guard = Guard { key, revision };
        Ok(Self { store, guard, stream: Key::new("messages", &["c"]), next: AtomicU64::new(0) })
    }

    /// Commits one entry.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn append(&self) -> Result<()> {
        let append = Append {
            stream: self.stream.clone(),
            id: EntryId::from(self.next.fetch_add(1, Ordering::Relaxed).to_string()),
            at: Timestamp::default(),
            record: Record::of(Text("x".repeat(500))),
            keep: Keep::Yes,
        };
        let changes = vec![Change::Append(append)];
        let committed = self
            .store
            .commit(Batch { guards: vec![self.guard.clone()], changes, announce: Vec::new() })
            .await?;
        // What was announced would otherwise wait for a relay for ever.
        self.store.settle(committed.position).await?;
        Ok(())
    }
}

/// Commits per second, synced, with so many in flight.
///
/// # Errors
///
/// The store's.
pub async fn commits(place: &Path, in_flight: u16, lasting: Duration) -> Result<f64> {
    let place = tempfile::tempdir_in(place)?;
    let log = Arc::new(Log::new(Arc::new(sqlite(place.path(), Durability::Full)?)).await?);
    let start = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut done = 0_u64;
                while start.elapsed() < lasting {
                    log.append().await?;
                    done += 1;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

/// How long it takes to write 4 KiB into a file of fixed size, as a write-ahead log is most of the time, and sync them.
///
/// # Errors
///
/// The system's.
pub fn syncs(place: &Path, times: usize) -> Result<Times> {
    let mut file = tempfile::tempfile_in(place)?;
    file.write_all(&vec![0; times * 4096])?;
    file.sync_all()?;
    file.rewind()?;
    let mut taken = Times::new()?;
    for _ in 0..times {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        taken.record(u64::try_from(start.elapsed().as_micros())?);
    }
    Ok(taken)
}

/// Deliveries per second from one thread that writes 64 frames at once to each of `connections`, to another that reads
/// and counts bytes.
///
/// # Errors
///
/// The system's.
pub fn fan_out(connections: usize, lasting: Duration) -> Result<f64> {
    let (mut writers, readers) = pairs(connections)?;
    let run = vec![b'x'; FRAME * 64];
    let start = Instant::now();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| count(&readers));
        let mut frames = 0_u64;
        'writing: loop {
            for writer in &mut writers {
                writer.write_all(&run)?;
                frames += 64;
                if start.elapsed() >= lasting {
                    break 'writing;
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        drop(writers);
        reader.join().ok().context("the reader panicked")??;
        Ok(frames as f64 / seconds)
    })
}

/// How long one thread takes to write one frame to each of `connections` and to read it from each.
///
/// # Errors
///
/// The system's.
pub fn one_frame(connections: usize, times: usize) -> Result<Times> {
    let (mut writers, readers) = pairs(connections)?;
    let (frame, mut buffer) = (vec![b'x'; FRAME], vec![0; FRAME]);
    let mut taken = Times::new()?;
    for _ in 0..times {
        let start = Instant::now();
        for writer in &mut writers {
            writer.write_all(&frame)?;
        }
        for mut reader in &readers {
            reader.read_exact(&mut buffer)?;
        }
        taken.record(u64::try_from(start.elapsed().as_micros())?);
    }
    Ok(taken)
}

fn pairs(count: usize) -> Result<(Vec<TcpStream>, Vec<TcpStream>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let pair = |_| {
        let writer = TcpStream::connect(address)?;
        writer.set_nodelay(true)?;
        Ok((writer, listener.accept()?.0))
    };
    (0..count).map(pair).collect()
}

/// Reads everything until all writers are gone.
fn count(readers: &[TcpStream]) -> Result<u64> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (index, reader) in readers.iter().enumerate() {
        epoll::add(&epoll, reader.as_fd(), epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
    }
    let (mut buffer, mut events, mut bytes, mut open) =
        (vec![0; 256 * 1024], Vec::with_capacity(256), 0, readers.len());
    let pause = Timespec { tv_sec: 1, tv_nsec: 0 };
    while open > 0 {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&pause))?;
        for event in &events {
            let Some(mut reader) = readers.get(event.data.u64() as usize) else { continue };
            match reader.read(&mut buffer) {
                Ok(length @ 1..) => bytes += length as u64,
                Ok(0) | Err(_) => {
                    epoll::delete(&epoll, reader)?;
                    open -= 1;
                }
            }
        }
    }
    Ok(bytes)
}
