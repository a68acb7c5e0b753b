//! The socket: batches come out of it, and go into it.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::Counts;
use crate::io::Run;

/// Buffer that is asked of the system for each direction, in bytes: a tenth of a second of 100,000 packets/s.
const BUFFER: usize = 4 << 20;
/// Largest batch of segments that a system takes in one call, in bytes.
const MOST_BYTES: usize = 60_000;

/// The socket of an engine.
#[derive(Debug)]
pub(super) struct Socket {
    socket: UdpSocket,
    state: UdpSocketState,
}

impl Socket {
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let reference = || UdpSockRef::from(&socket);
        let state = UdpSocketState::new(reference())?;
        // The system's limit may be lower; then that is what there is.
        let _less = state.set_send_buffer_size(reference(), BUFFER);
        let _less = state.set_recv_buffer_size(reference(), BUFFER);
        Ok(Self { socket, state })
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits until there is something to read, or `millis` have passed.
    pub(super) fn wait(&self, millis: i64) -> bool {
        let timeout = rustix::event::Timespec { tv_sec: 0, tv_nsec: millis * 1_000_000 };
        let mut wanted = [rustix::event::PollFd::new(&self.socket, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut wanted, Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    /// Takes a batch; each buffer may hold several datagrams of one sender.
    pub(super) fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> io::Result<usize> {
        self.state.recv(UdpSockRef::from(&self.socket), buffers, metas)
    }

    /// How many datagrams one buffer may hold.
    pub(super) fn segments(&self) -> usize {
        self.state.gro_segments()
    }

    /// How many datagrams the system takes in one call.
    pub(super) fn most_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// How many bytes.
    pub(super) const fn most_bytes(&self) -> usize {
        MOST_BYTES
    }

    /// Sends datagrams in one call.
    pub(super) fn send(&self, run: &Run<'_>, counts: &Counts) {
        let transmit = Transmit {
            destination: run.to.address,
            ecn: None,
            contents: run.contents,
            segment_size: (run.count > 1).then_some(run.segment),
            src_ip: None,
        };
        let count = u64::try_from(run.count).unwrap_or_default();
        let counter: &AtomicU64 = match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
            Ok(()) => &counts.sent,
            // What the network cannot take is lost, as on any path: media does not wait.
            Err(_) => &counts.unsent,
        };
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
