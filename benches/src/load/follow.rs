//! Follows what a server exports, and how long after sending a message is there.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

use super::clock::micros;
use super::mark::Marks;
use super::tally::Times;

/// How often a file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
const CHUNK: usize = 256 * 1024;

/// Where exported events come from: what is new is appended; false at the end.
trait Source: Send {
    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool>;
    /// Answers what has to be answered.
    fn line(&mut self, line: &[u8]) -> Result<()>;
}

/// Counts exported messages. Dropping it ends that.
#[derive(Debug)]
pub struct Follow {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

#[derive(Debug)]
struct Shared {
    messages: AtomicU64,
    lag: Mutex<Times>,
    over: AtomicBool,
}

impl Follow {
    /// What the file sink writes below a directory, which need not be there yet.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn files(directory: PathBuf) -> Result<Self> {
        Self::start(Files { directory, open: None, done: 0 })
    }

    /// What the JetStream sink publishes; it is subscribed to as any subject is.
    ///
    /// # Errors
    ///
    /// When there is no server.
    pub fn nats(port: u16) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        stream.write_all(b"CONNECT {\"verbose\":false}\r\nSUB chime.export.> 1\r\n")?;
        Self::start(Subscription { stream, chunk: vec![0; CHUNK] })
    }

    fn start(source: impl Source + 'static) -> Result<Self> {
        let shared = Arc::new(Shared {
            messages: AtomicU64::new(0),
            lag: Mutex::new(Times::new()?),
            over: AtomicBool::new(false),
        });
        let counted = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("follow".into()).spawn(move || counted.follow(source))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Messages that have come, ever; one that came twice counts twice.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.shared.messages.load(Ordering::Relaxed)
    }

    /// From sending until it was there, of what came since the last time.
    ///
    /// # Errors
    ///
    /// When it could not go on following.
    pub fn lag(&mut self) -> Result<Times> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished)
            && let Some(thread) = self.thread.take()
        {
            thread.join().ok().context("the follower panicked")??;
        }
        let mut lag = self.shared.lag.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::replace(&mut lag, Times::new()?))
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Events are lines, whose ends no event holds.
    fn follow(&self, mut source: impl Source) -> Result<()> {
        let (marks, mut bytes) = (Marks::default(), Vec::new());
        while !self.over.load(Ordering::Relaxed) && source.read(&mut bytes)? {
            let Some(whole) = memchr::memrchr(b'\n', &bytes) else { continue };
            let (now, mut messages) = (micros(), 0);
            let mut lag = self.lag.lock().unwrap_or_else(PoisonError::into_inner);
            for line in bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
                match marks.find(line) {
                    Some(mark) => {
                        messages += 1;
                        lag.record(now.saturating_sub(mark.sent));
                    }
                    None => source.line(line)?,
                }
            }
            drop(lag);
            bytes.drain(..=whole);
            self.messages.fetch_add(messages, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Numbered files, the last of which grows.
struct Files {
    directory: PathBuf,
    open: Option<File>,
    /// Files that were read to their end.
    done: usize,
}

impl Files {
    fn next(&self) -> Option<PathBuf> {
        let mut all: Vec<_> =
            fs::read_dir(&self.directory).ok()?.filter_map(|one| Some(one.ok()?.path())).collect();
        all.sort();
        all.into_iter().nth(self.done)
    }
}

impl Source for Files {
    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool> {
        if self.open.is_none() {
            self.open = self.next().map(File::open).transpose()?;
        }
        let before = into.len();
        if let Some(file) = &mut self.open {
            file.take(CHUNK as u64).read_to_end(into)?;
        }
        if into.len() == before {
            // Nothing is written to a file once there is a newer one, but something may have been before that.
            let has_next = fs::read_dir(&self.directory).is_ok_and(|all| all.count() > self.done + 1);
            if has_next && let Some(mut file) = self.open.take() {
                file.read_to_end(into)?;
                self.done += 1;
            } else {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        Ok(true)
    }

    fn line(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// A subscription, by NATS' protocol of lines.
struct Subscription {
    stream: TcpStream,
    chunk: Vec<u8>,
}

impl Source for Subscription {
    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool> {
        match self.stream.read(&mut self.chunk) {
            Ok(0) => return Ok(false),
            Ok(length) => into.extend_from_slice(self.chunk.get(..length).unwrap_or_default()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        if line.starts_with(b"PING") {
            self.stream.write_all(b"PONG\r\n")?;
        }
        Ok(())
    }
}
