//! Following the outbox: what this node commits, what it hears, and what it finds when it looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chime_domain::error::StoreError;
use chime_domain::ports::{Announced, Bus, Position, Subscription};
use tokio::sync::{Notify, mpsc, watch};

use super::connect::Readers;
use super::read;
use super::tail::Tail;

/// How often the outbox is looked at although nothing was heard: a last message may have been lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long announcements that are missing may still be on their way.
const ON_THE_WAY: Duration = Duration::from_millis(5);
/// How long a database that failed is left alone.
const PAUSE: Duration = Duration::from_millis(500);
/// Rows that are read at once.
const PAGE: usize = 2048;
/// Runs that may wait to be told to others.
const UNTOLD: usize = 1024;

/// What the parts of the store share.
pub(super) struct Shared {
    pub(super) readers: Readers,
    pub(super) tail: Tail,
    /// How far this node has carried announcements on.
    /// Where this node has begun, or what it has settled or missed since.
    pub(super) settled: AtomicU64,
    /// What it has settled: until it has, it keeps what was there before it came, which somebody may still need.
    pub(super) kept: AtomicU64,
    /// Another node took the database from this one.
    pub(super) taken: AtomicBool,
    /// Where what this node commits is told to others.
    tell: Option<mpsc::Sender<Arc<[Announced]>>>,
    /// Something was committed, for a wire that carries no more than that.
    pub(super) stir: Notify,
    /// Changes when the store is closed.
    pub(super) closing: watch::Sender<bool>,
}

impl Shared {
    /// Begins at the newest position; `floor` is what was forgotten before. Also gives the runs to tell others, if it is to.
    pub(super) fn new(
        readers: Readers,
        newest: Position,
        settled: Position,
        floor: Position,
        tells: bool,
    ) -> (Self, Option<mpsc::Receiver<Arc<[Announced]>>>) {
        let (tell, told) = tells.then(|| mpsc::channel(UNTOLD)).unzip();
        let shared = Self {
            readers,
            tail: Tail::after(newest),
            settled: AtomicU64::new(settled.0),
            kept: AtomicU64::new(floor.0),
            taken: AtomicBool::new(false),
            tell,
            stir: Notify::new(),
            closing: watch::Sender::new(false),
        };
        (shared, told)
    }

    /// Takes in what a transaction of this node announced, and tells others.
    pub(super) fn committed(&self, announced: Vec<Announced>) {
        if announced.is_empty() {
            return;
        }
        match &self.tell {
            Some(tell) => {
                let run: Arc<[Announced]> = announced.into();
                self.tail.push(run.iter().cloned());
                // A bus that is down or slow must not hold up commits: others find in the outbox what it did not carry.
                let _ = tell.try_send(run);
            }
            None => self.tail.push(announced),
        }
        self.stir.notify_one();
    }

    /// The newest position, of any node.
    pub(super) async fn newest(&self) -> Result<Position, StoreError> {
        let newest = read::newest(&self.readers).await?;
        self.tail.hint(newest);
        Ok(newest)
    }

    /// Makes the follower look into the outbox.
    pub(super) fn look(&self) {
        self.tail.look.notify_one();
    }

    /// Waits until the store is closed.
    pub(super) async fn closed(&self) {
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }
}

/// Fills the tail until the store is closed.
pub(super) async fn follow(shared: Arc<Shared>, mut heard: Option<Box<dyn Subscription>>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let hear = async {
            match heard.as_mut() {
                Some(subscription) => subscription.next().await,
                None => std::future::pending().await,
            }
        };
        let look = tokio::select! {
            run = hear => {
                match run {
                    Some(run) => shared.tail.push(run.iter().cloned()),
                    // The bus has ended; the outbox has not.
                    None => heard = None,
                }
                false
            }
            () = shared.tail.look.notified() => {
                if shared.tail.has_hole() {
                    tokio::time::sleep(ON_THE_WAY).await;
                }
                true
            }
            _ = looks.tick() => true,
            () = shared.closed() => return,
        };
        if look && let Err(error) = catch_up(&shared).await {
            tracing::debug!(%error, "the outbox cannot be read now");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Reads what the tail lacks.
async fn catch_up(shared: &Shared) -> Result<(), StoreError> {
    loop {
        let end = shared.tail.end();
        let found = read::announced(&shared.readers, end, PAGE).await?;
        let full = found.len() == PAGE;
        if found.first().is_none_or(|first| first.position.0 > end.0 + 1) {
            // Positions have no gaps: what is missing was forgotten, if anything is.
            let floor = read::floor(&shared.readers).await?;
            if floor > end {
                tracing::warn!(
                    from = end.0,
                    to = floor.0,
                    "this node was away for so long that announcements were forgotten"
                );
                shared.settled.fetch_max(floor.0, Ordering::Relaxed);
                shared.tail.jump(floor);
            }
        }
        shared.tail.push(found);
        if !full {
            return Ok(());
        }
    }
}

/// Tells others over a bus what this node commits, until the store is closed.
pub(super) async fn tell(bus: Arc<dyn Bus>, mut told: mpsc::Receiver<Arc<[Announced]>>) {
    let mut failing = false;
    while let Some(run) = told.recv().await {
        match bus.publish(run).await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "the bus does not carry; nodes look into the outbox instead");
                }
                failing = true;
            }
        }
    }
}
