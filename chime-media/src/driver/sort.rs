//! Hands datagrams to whom they are for, wherever they came from.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::Counts;
use super::exits::Exits;
use super::routes::{Route, Routes};
use super::worker::{Work, wall};
use crate::io::{Datagrams, Path};
use crate::turn::is_for_relay;

/// Datagrams for one worker, in one buffer.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) list: Vec<(Route, Path, Range<usize>)>,
    pub(super) at: Instant,
}

/// Knows whose a datagram is, and how to answer those that are nobody's but the relay's.
#[derive(Clone)]
pub(super) struct Sorter {
    workers: Vec<Sender<Work>>,
    routes: Arc<Routes>,
    exits: Arc<Exits>,
    counts: Arc<Counts>,
}

/// What a sorter has in hand: a batch for each worker.
pub(super) type Batches = Vec<Option<Batch>>;

impl Sorter {
    pub(super) fn new(
        workers: Vec<Sender<Work>>,
        routes: Arc<Routes>,
        exits: Arc<Exits>,
        counts: Arc<Counts>,
    ) -> Self {
        Self { workers, routes, exits, counts }
    }

    pub(super) fn exits(&self) -> &Exits {
        &self.exits
    }

    pub(super) fn batches(&self) -> Batches {
        self.workers.iter().map(|_| None).collect()
    }

    /// Puts a datagram into the batch of its worker.
    pub(super) fn sort(&self, at: Instant, from: Path, datagram: &[u8], batches: &mut Batches) {
        self.counts.received.fetch_add(1, Ordering::Relaxed);
        let Some(relays) = self.exits.relays().filter(|_| is_for_relay(datagram)) else {
            return self.route(at, from, datagram, batches);
        };
        let opened = relays.read().map(|relays| relays.open(at, from, datagram));
        match opened {
            // What comes out of the relay never goes into it again.
            Ok(Some((path, data))) => self.route(at, path, &data, batches),
            Ok(None) => {
                let mut answers = Datagrams::default();
                if let Ok(mut relays) = relays.write() {
                    relays.request(at, wall() / 1_000_000_000, from, datagram, &mut answers);
                }
                self.exits.send(at, &answers, &self.counts);
            }
            Err(_poisoned) => {}
        }
    }

    fn route(&self, at: Instant, from: Path, datagram: &[u8], batches: &mut Batches) {
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

    /// Gives the batches to the workers.
    pub(super) fn flush(&self, batches: &mut Batches) {
        for (batch, worker) in batches.iter_mut().zip(&self.workers) {
            if let Some(batch) = batch.take() {
                let _stopped = worker.send(Work::Datagrams(batch));
            }
        }
    }
}
