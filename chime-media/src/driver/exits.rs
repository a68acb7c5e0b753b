//! Where datagrams go: the socket, streams, and the relay, which puts them into one of the other two.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Counts;
use super::send::Socket;
use super::streams::Framing;
use crate::io::{Datagrams, Path, Run, Via};
use crate::turn::Relays;

/// Datagrams that wait for a stream to take them; more are lost, as on any path that is too narrow.
const WAITING: usize = 512;

/// How its datagrams are framed, and where frames go.
type Stream = (Framing, Sender<Vec<u8>>);

/// The ways out of an engine.
#[derive(Debug)]
pub(super) struct Exits {
    socket: Socket,
    next: AtomicU32,
    streams: RwLock<HashMap<u32, Stream>>,
    relays: Option<RwLock<Relays>>,
}

impl Exits {
    pub(super) fn new(socket: Socket, relays: Option<Relays>) -> Self {
        let (next, streams) = (AtomicU32::new(1), RwLock::default());
        Self { socket, next, streams, relays: relays.map(RwLock::new) }
    }

    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn relays(&self) -> Option<&RwLock<Relays>> {
        self.relays.as_ref()
    }

    /// A stream that datagrams can go into from now on.
    pub(super) fn open(&self, framing: Framing, peer: SocketAddr) -> (Path, Receiver<Vec<u8>>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = channel(WAITING);
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        streams.insert(number, (framing, sender));
        (Path { via: Via::Stream(number), address: peer }, receiver)
    }

    /// The stream is gone, and what a client had at the relay through it.
    pub(super) fn close(&self, path: Path) {
        if let Via::Stream(number) = path.via {
            self.streams.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        }
        if let Some(Ok(mut relays)) = self.relays().map(RwLock::write) {
            relays.closed(path);
        }
    }

    /// Open streams.
    pub(super) fn streams(&self) -> usize {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Sends datagrams in as few calls as can be.
    pub(super) fn send(&self, now: Instant, datagrams: &Datagrams, counts: &Counts) {
        let mut burst = self.socket.burst(counts);
        for run in datagrams.runs(self.socket.most_segments(), self.socket.most_bytes()) {
            match run.to.via {
                Via::Socket => burst.add(&run),
                Via::Stream(number) => self.stream(number, &run, counts),
                Via::Relay(number, candidate) => self.relay(now, number, candidate, &run, counts),
            }
        }
        burst.send();
    }

    fn stream(&self, number: u32, run: &Run<'_>, counts: &Counts) {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let stream = streams.get(&number);
        for datagram in run.datagrams() {
            let taken = stream.is_some_and(|(framing, sender)| {
                framing.frame(datagram).is_some_and(|frame| sender.try_send(frame).is_ok())
            });
            let counter = if taken { &counts.sent } else { &counts.unsent };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn relay(&self, now: Instant, number: u32, candidate: u8, run: &Run<'_>, counts: &Counts) {
        let mut wrapped = Datagrams::default();
        if let Some(Ok(relays)) = self.relays().map(RwLock::read) {
            for datagram in run.datagrams() {
                relays.wrap(now, number, candidate, datagram, &mut wrapped);
            }
        }
        let mut burst = self.socket.burst(counts);
        for run in wrapped.runs(self.socket.most_segments(), self.socket.most_bytes()) {
            match run.to.via {
                Via::Socket => burst.add(&run),
                Via::Stream(number) => self.stream(number, &run, counts),
                // A client of the relay is never behind the relay.
                Via::Relay(..) => {}
            }
        }
        burst.send();
    }
}
