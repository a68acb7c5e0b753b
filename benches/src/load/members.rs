//! Members on WebSockets, all read by one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{Timespec, epoll};

use super::clock::micros;
use super::frame::{self, Frame};
use super::mark::{Mark, Marks};
use super::tally::Tally;

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// The members. Dropping them closes their connections.
#[derive(Debug)]
pub struct Members {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    epoll: OwnedFd,
    state: Mutex<State>,
    delivered: AtomicU64,
    over: AtomicBool,
}

#[derive(Debug)]
struct State {
    members: Vec<Member>,
    marks: Marks,
    tally: Tally,
    established: usize,
    closed: Vec<u16>,
}

/// One connection.
#[derive(Debug)]
struct Member {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    established: bool,
    /// The newest number of each sender.
    newest: Vec<u32>,
    /// A digest of all messages in the order in which they came.
    order: u64,
    received: u64,
    closed: bool,
}

/// How the members' views of the channel compare.
#[derive(Clone, Copy, Debug)]
pub struct Views {
    /// Members that are still connected.
    pub connected: usize,
    /// Of them: received another number of messages than were sent, since they connected.
    pub incomplete: usize,
    /// Of the complete ones: saw them in another order than the first.
    pub misordered: usize,
}

impl Members {
    /// No members yet.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn new() -> Result<Self> {
        let state = State {
            members: Vec::new(),
            marks: Marks::default(),
            tally: Tally::new()?,
            established: 0,
            closed: Vec::new(),
        };
        let shared = Arc::new(Shared {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            state: Mutex::new(state),
            delivered: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let reader = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("members".into()).spawn(move || reader.read_all())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Connects one more member.
    ///
    /// # Errors
    ///
    /// When the handshake fails.
    pub fn connect(&self, address: SocketAddr, target: &str) -> Result<()> {
        let (stream, rest) = handshake(address, target, None)?;
        stream.set_nonblocking(true)?;
        let mut state = self.shared.state();
        let index = state.members.len();
        epoll::add(
            &self.shared.epoll,
            &stream,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN | epoll::EventFlags::RDHUP,
        )?;
        state.members.push(Member {
            stream,
            rest: Vec::new(),
            established: false,
            newest: Vec::new(),
            order: 0,
            received: 0,
            closed: false,
        });
        let delivered = state.take(index, &rest);
        self.shared.delivered.fetch_add(delivered, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until every member's session is established.
    ///
    /// # Errors
    ///
    /// When that takes longer than `within`.
    pub fn established(&self, within: Duration) -> Result<()> {
        let start = micros();
        loop {
            let (established, members) = {
                let state = self.shared.state();
                (state.established, state.members.len())
            };
            if established == members {
                return Ok(());
            }
            if micros() - start > within.as_micros() as u64 {
                bail!("{established} of {members} sessions were established");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Messages received by all members, ever.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.shared.delivered.load(Ordering::Relaxed)
    }

    /// Waits until `total` messages have been received, ever, or none has come for `patience`.
    pub fn drain(&self, total: u64, patience: Duration) {
        let (mut last, mut since) = (self.delivered(), micros());
        while last < total && micros() - since < patience.as_micros() as u64 {
            std::thread::sleep(Duration::from_millis(1));
            let now = self.delivered();
            if now != last {
                (last, since) = (now, micros());
            }
        }
    }

    /// What was counted since the last time.
    ///
    /// # Errors
    ///
    /// None but for a defect.
    pub fn tally(&self) -> Result<Tally> {
        Ok(std::mem::replace(&mut self.shared.state().tally, Tally::new()?))
    }

    /// The codes of the connections that the server has closed; 1006 without a close frame.
    #[must_use]
    pub fn closed(&self) -> Vec<u16> {
        self.shared.state().closed.clone()
    }

    /// Compares what members saw of `sent` messages. Only for members that were all connected before the first.
    #[must_use]
    pub fn views(&self, sent: u64) -> Views {
        let state = self.shared.state();
        let connected: Vec<_> = state.members.iter().filter(|member| !member.closed).collect();
        let complete: Vec<_> = connected.iter().filter(|member| member.received == sent).collect();
        let first = complete.first().map_or(0, |member| member.order);
        Views {
            connected: connected.len(),
            incomplete: connected.len() - complete.len(),
            misordered: complete.iter().filter(|member| member.order != first).count(),
        }
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_all(&self) {
        let mut buffer = vec![0; CHUNK];
        let mut events = Vec::with_capacity(256);
        let pause = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        while !self.over.load(Ordering::Relaxed) {
            events.clear();
            if epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&pause)).is_err() {
                continue;
            }
            let mut state = self.state();
            let mut delivered = 0;
            for event in &events {
                let index = event.data.u64() as usize;
                delivered += state.read(index, &mut buffer);
                if let Some(member) = state.members.get(index).filter(|member| member.closed) {
                    // One that was removed before is refused, which is as well.
                    let _ = epoll::delete(&self.epoll, &member.stream);
                }
            }
            drop(state);
            self.delivered.fetch_add(delivered, Ordering::Relaxed);
        }
    }
}

impl State {
    /// Reads once from a connection; answers how many messages came.
    fn read(&mut self, index: usize, buffer: &mut [u8]) -> u64 {
        let Some(member) = self.members.get_mut(index).filter(|member| !member.closed) else { return 0 };
        match member.stream.read(buffer) {
            Ok(0) => self.close(index, 1006),
            Ok(length) => return self.take(index, buffer.get(..length).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.close(index, 1006),
        }
        0
    }

    fn close(&mut self, index: usize, code: u16) {
        if let Some(member) = self.members.get_mut(index).filter(|member| !member.closed) {
            member.closed = true;
            self.closed.push(code);
        }
    }

    /// Takes what was read; answers how many messages it held.
    fn take(&mut self, index: usize, bytes: &[u8]) -> u64 {
        let Some(member) = self.members.get_mut(index) else { return 0 };
        let mut kept = std::mem::take(&mut member.rest);
        let mut rest = if kept.is_empty() {
            bytes
        } else {
            kept.extend_from_slice(bytes);
            &kept
        };
        let (now, mut delivered, mut closed) = (micros(), 0, None);
        while let Some((frame, after)) = frame::first(rest) {
            rest = after;
            match frame {
                Frame::Text(text) => match self.marks.find(text) {
                    Some(mark) => {
                        delivered += 1;
                        member.received += 1;
                        self.tally.latency.record(now.saturating_sub(mark.sent));
                        member.note(mark, &mut self.tally);
                    }
                    None if !member.established => {
                        member.established = true;
                        self.established += 1;
                    }
                    None => {}
                },
                Frame::Ping(payload) => {
                    let _ = member.stream.write_all(&frame::pong(payload));
                }
                Frame::Close(code) => closed = Some(code),
                Frame::Other => {}
            }
        }
        member.rest = rest.to_vec();
        self.tally.delivered += delivered;
        if let Some(code) = closed {
            self.close(index, code);
        }
        delivered
    }
}

impl Member {
    fn note(&mut self, mark: Mark, tally: &mut Tally) {
        let sender = usize::from(mark.sender);
        if self.newest.len() <= sender {
            self.newest.resize(sender + 1, 0);
        }
        let Some(newest) = self.newest.get_mut(sender) else { return };
        match mark.number.checked_sub(*newest) {
            None | Some(0) => tally.repeated += 1,
            Some(step) => {
                tally.missing += u64::from(step) - 1;
                *newest = mark.number;
            }
        }
        let word = u64::from(mark.sender) << 32 | u64::from(mark.number);
        self.order = (self.order ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(5);
    }
}

/// Opens a WebSocket; gives what came behind the answer too. With `receive`, so many bytes may wait to be read here.
///
/// # Errors
///
/// When it is refused.
pub fn handshake(address: SocketAddr, target: &str, receive: Option<usize>) -> Result<(TcpStream, Vec<u8>)> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    if let Some(bytes) = receive {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.connect(&address.into())?;
    let mut stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(upgrade(address, target).as_bytes())?;
    let (mut received, mut chunk) = (Vec::new(), [0; 2048]);
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            bail!("the server closed a connection during its handshake");
        }
        received.extend_from_slice(chunk.get(..length).unwrap_or_default());
        if let Some(at) = memchr::memmem::find(&received, b"\r\n\r\n") {
            let rest = received.split_off(at + 4);
            let answer = String::from_utf8_lossy(&received);
            answer.strip_prefix("HTTP/1.1 101").with_context(|| format!("no upgrade: {answer}"))?;
            return Ok((stream, rest));
        }
    }
}

/// The request of a handshake (RFC 6455 section 1.3).
#[must_use]
pub fn upgrade(address: SocketAddr, target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}
