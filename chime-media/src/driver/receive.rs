//! The thread that takes datagrams from the socket.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use quinn_udp::{BATCH_SIZE, RecvMeta};

use super::Counts;
use super::routes::{Route, Routes};
use super::send::Socket;
use super::worker::Work;

/// Largest datagram, in bytes.
const DATAGRAM: usize = 2048;
/// How often it is looked whether to stop, in milliseconds.
const LOOK: i64 = 100;

/// Datagrams for one worker, in one buffer.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) list: Vec<(Route, SocketAddr, Range<usize>)>,
    pub(super) at: Instant,
}

pub(super) struct Receiver {
    socket: Arc<Socket>,
    workers: Vec<Sender<Work>>,
    routes: Arc<Routes>,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    pub(super) fn new(
        socket: Arc<Socket>,
        workers: Vec<Sender<Work>>,
        routes: Arc<Routes>,
        counts: Arc<Counts>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self { socket, workers, routes, counts, stop }
    }

    #[expect(clippy::disallowed_methods, reason = "the driver is where the clock is read")]
    pub(super) fn run(&self) {
        let room = DATAGRAM * self.socket.segments();
        let mut storage: Vec<Vec<u8>> = (0..BATCH_SIZE).map(|_| vec![0; room]).collect();
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut batches: Vec<Option<Batch>> = self.workers.iter().map(|_| None).collect();
        while !self.stop.load(Ordering::Relaxed) {
            if !self.socket.wait(LOOK) {
                continue;
            }
            let mut buffers: Vec<IoSliceMut<'_>> =
                storage.iter_mut().map(|each| IoSliceMut::new(each)).collect();
            let Ok(count) = self.socket.receive(&mut buffers, &mut metas) else { continue };
            let at = Instant::now();
            for (meta, buffer) in metas.iter().take(count).zip(&storage) {
                let Some(bytes) = buffer.get(..meta.len) else { continue };
                for datagram in bytes.chunks(meta.stride.max(1)) {
                    self.counts.received.fetch_add(1, Ordering::Relaxed);
                    self.sort(at, meta.addr, datagram, &mut batches);
                }
            }
            for (batch, worker) in batches.iter_mut().zip(&self.workers) {
                if let Some(batch) = batch.take() {
                    let _stopped = worker.send(Work::Datagrams(batch));
                }
            }
        }
    }

    fn sort(&self, at: Instant, from: SocketAddr, datagram: &[u8], batches: &mut [Option<Batch>]) {
        let Some(route) = self.routes.find(from, datagram) else {
            self.counts.unrouted.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let Some(batch) = batches.get_mut(route.worker) else { return };
        let batch =
            batch.get_or_insert_with(|| Batch { bytes: Vec::with_capacity(16 << 10), list: Vec::new(), at });
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(datagram);
        batch.list.push((route, from, start..batch.bytes.len()));
    }
}
