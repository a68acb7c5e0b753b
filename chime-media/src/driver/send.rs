//! The socket: batches come out of it, and go into it.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::Counts;
use crate::io::Run;

/// Buffer that is asked of the system for each direction, in bytes: a tenth of a second of 100,000 packets/s.
const BUFFER: usize = 4 << 20;
/// Largest batch of segments that a system takes in one call, in bytes.
const MOST_BYTES: usize = 60_000;

/// Datagrams given to the system at a time: beyond some dozens nothing is won.
const TOGETHER: usize = 64;

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

    /// Begins to send many datagrams.
    pub(super) const fn burst<'a>(&'a self, counts: &'a Counts) -> Burst<'a> {
        Burst { socket: self, counts, single: Vec::new() }
    }

    /// Sends a run in one call.
    fn run(&self, run: &Run<'_>) -> io::Result<()> {
        let transmit = Transmit {
            destination: run.to.address,
            ecn: None,
            contents: run.contents,
            segment_size: (run.count > 1).then_some(run.segment),
            src_ip: None,
        };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// Sends the first of these datagrams, as many as the system takes in one call; how many.
    #[cfg(target_os = "linux")]
    fn several(&self, datagrams: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
        use rustix::net::addr::SocketAddrArg as _;
        use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny};

        let addresses: Vec<SocketAddrAny> = datagrams.iter().map(|(to, _)| to.as_any()).collect();
        let contents: Vec<[IoSlice<'_>; 1]> =
            datagrams.iter().map(|(_, contents)| [IoSlice::new(contents)]).collect();
        let mut nothing: Vec<SendAncillaryBuffer<'_, '_, '_>> =
            datagrams.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let parts = addresses.iter().zip(&contents).zip(&mut nothing);
        let mut headers: Vec<MMsgHdr<'_>> = parts
            .map(|((address, contents), nothing)| MMsgHdr::new_with_addr(address, contents, nothing))
            .collect();
        Ok(rustix::net::sendmmsg(&self.socket, &mut headers, SendFlags::DONTWAIT)?)
    }

    /// Where the system takes one at a time.
    #[cfg(not(target_os = "linux"))]
    fn several(&self, datagrams: &[(SocketAddr, &[u8])]) -> io::Result<usize> {
        let Some((to, contents)) = datagrams.first() else { return Ok(0) };
        let to = crate::io::Path::from(*to);
        self.run(&Run { to, segment: contents.len(), count: 1, contents })?;
        Ok(1)
    }
}

/// Datagrams on their way: those to one address go in one call for each run, single ones together.
#[derive(Debug)]
pub(super) struct Burst<'a> {
    socket: &'a Socket,
    counts: &'a Counts,
    single: Vec<(SocketAddr, &'a [u8])>,
}

impl<'a> Burst<'a> {
    /// Adds a run. To one address the order stays.
    pub(super) fn add(&mut self, run: &Run<'a>) {
        if run.count == 1 {
            self.single.push((run.to.address, run.contents));
            if self.single.len() >= TOGETHER {
                self.flush();
            }
            return;
        }
        self.flush();
        let sent = self.socket.run(run);
        self.count(sent.is_ok(), run.count);
    }

    /// Sends what is left.
    pub(super) fn send(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        let single = std::mem::take(&mut self.single);
        let mut left = single.as_slice();
        while !left.is_empty() {
            let sent = self.socket.several(left);
            // What the network cannot take is lost, as on any path: media does not wait.
            let done = sent.as_ref().map_or(1, |count| (*count).max(1));
            self.count(sent.is_ok(), done);
            left = left.get(done..).unwrap_or_default();
        }
        self.single = single;
        self.single.clear();
    }

    fn count(&self, sent: bool, count: usize) {
        let counter = if sent { &self.counts.sent } else { &self.counts.unsent };
        counter.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
    }
}
