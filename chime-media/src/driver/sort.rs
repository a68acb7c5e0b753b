//! Hands datagrams to whom they are for, wherever they came from.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::Counts;
use super::exits::Exits;
use super::routes::{Route, Routes};
use super::shelf::Shelf;
use super::worker::{Work, wall};
use crate::io::{Datagrams, Path};
use crate::rtp::packet::payload_type;
use crate::turn::is_for_relay;

/// Datagrams for one worker, in one buffer.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) list: Vec<(Route, Path, Range<usize>)>,
    pub(super) at: Instant,
}

impl Batch {
    pub(super) fn new(at: Instant) -> Self {
        Self { bytes: Vec::with_capacity(16 << 10), list: Vec::new(), at }
    }
}

/// The way to a worker.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) urgent: Sender<Work>,
    pub(super) patient: Arc<Shelf>,
}

/// What a sorter has in hand for one worker.
#[derive(Debug, Default)]
pub(super) struct Hand {
    urgent: Option<Batch>,
    patient: Option<Batch>,
    haste: Haste,
}

/// How urgent is what has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Haste {
    /// Not at all.
    #[default]
    None,
    /// Somebody waits for an answer.
    Some,
    /// Pictures, which are late with every moment.
    Pictures,
}

/// Knows whose a datagram is, and how to answer those that are nobody's but the relay's.
#[derive(Clone)]
pub(super) struct Sorter {
    workers: Vec<Way>,
    routes: Arc<Routes>,
    exits: Arc<Exits>,
    counts: Arc<Counts>,
}

/// What a sorter has in hand, for each worker.
pub(super) type Hands = Vec<Hand>;

impl Sorter {
    pub(super) fn new(
        workers: Vec<Way>,
        routes: Arc<Routes>,
        exits: Arc<Exits>,
        counts: Arc<Counts>,
    ) -> Self {
        Self { workers, routes, exits, counts }
    }

    pub(super) fn exits(&self) -> &Exits {
        &self.exits
    }

    pub(super) fn hands(&self) -> Hands {
        self.workers.iter().map(|_| Hand::default()).collect()
    }

    /// Takes a datagram into the hand for its worker.
    pub(super) fn sort(&self, at: Instant, from: Path, datagram: &[u8], hands: &mut Hands) {
        self.counts.received.fetch_add(1, Ordering::Relaxed);
        let Some(relays) = self.exits.relays().filter(|_| is_for_relay(datagram)) else {
            return self.route(at, from, datagram, hands);
        };
        let opened = relays.read().map(|relays| relays.open(at, from, datagram));
        match opened {
            // What comes out of the relay never goes into it again.
            Ok(Some((path, data))) => self.route(at, path, &data, hands),
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

    fn route(&self, at: Instant, from: Path, datagram: &[u8], hands: &mut Hands) {
        let Some(route) = self.routes.find(from, datagram) else {
            self.counts.unrouted.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let Some(hand) = hands.get_mut(route.worker) else { return };
        let batch = match payload_type(datagram) {
            Some(of) if route.patient.contains(of) => &mut hand.patient,
            of => {
                hand.haste = hand.haste.max(if of.is_some() { Haste::Pictures } else { Haste::Some });
                &mut hand.urgent
            }
        };
        let batch = batch.get_or_insert_with(|| Batch::new(at));
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(datagram);
        batch.list.push((route, from, start..batch.bytes.len()));
    }

    /// Gives the workers what is in hand; tells how urgent it was.
    pub(super) fn flush(&self, hands: &mut Hands) -> Haste {
        let mut haste = Haste::None;
        for (hand, worker) in hands.iter_mut().zip(&self.workers) {
            if let Some(Err(batch)) = hand.patient.take().map(|batch| worker.patient.put(batch)) {
                self.counts.overflowed.fetch_add(count(&batch), Ordering::Relaxed);
            }
            haste = haste.max(std::mem::take(&mut hand.haste));
            if let Some(batch) = hand.urgent.take() {
                let _stopped = worker.urgent.send(Work::Datagrams(batch));
            }
        }
        haste
    }
}

/// How many datagrams a batch has.
pub(super) fn count(batch: &Batch) -> u64 {
    u64::try_from(batch.list.len()).unwrap_or_default()
}
