//! The thread that takes datagrams from the socket.

use std::io::IoSliceMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quinn_udp::{BATCH_SIZE, RecvMeta};

use super::exits::Exits;
use super::sort::{Haste, Sorter};
use super::worker::now;

/// Largest datagram, in bytes.
const DATAGRAM: usize = 2048;
/// Most bytes of datagrams that the system puts together.
const TOGETHER: usize = 65_536;
/// How often it is looked whether to stop, in milliseconds.
const LOOK: i64 = 100;

/// A rest after each batch, so that what comes within it is taken in one call and wakes its worker once: waking threads
/// would cost more than all that they do. It is short while pictures come, which are sent on at once; longer for checks,
/// handshakes and reports; and longest for sound, which waits for the mix anyway.
const fn rest(haste: Haste) -> Duration {
    Duration::from_millis(match haste {
        Haste::Pictures => 1,
        Haste::Some => 2,
        Haste::None => 5,
    })
}
/// Datagrams in a batch from which on nothing is gained by a rest.
const FULL: usize = BATCH_SIZE / 2;
/// How often the relay forgets what has run out.
const EXPIRE: Duration = Duration::from_secs(10);

pub(super) struct Receiver {
    exits: Arc<Exits>,
    sorter: Sorter,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    pub(super) fn new(exits: Arc<Exits>, sorter: Sorter, stop: Arc<AtomicBool>) -> Self {
        Self { exits, sorter, stop }
    }

    pub(super) fn run(&self) {
        let socket = self.exits.socket();
        let room = (DATAGRAM * socket.segments()).min(TOGETHER);
        let mut storage: Vec<Vec<u8>> = (0..BATCH_SIZE).map(|_| vec![0; room]).collect();
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let mut hands = self.sorter.hands();
        let mut expire = now() + EXPIRE;
        while !self.stop.load(Ordering::Relaxed) {
            if !socket.wait(LOOK) {
                continue;
            }
            let mut buffers: Vec<IoSliceMut<'_>> =
                storage.iter_mut().map(|each| IoSliceMut::new(each)).collect();
            let Ok(count) = socket.receive(&mut buffers, &mut metas) else { continue };
            let at = now();
            for (meta, buffer) in metas.iter().take(count).zip(&storage) {
                let Some(bytes) = buffer.get(..meta.len) else { continue };
                for datagram in bytes.chunks(meta.stride.max(1)) {
                    self.sorter.sort(at, meta.addr.into(), datagram, &mut hands);
                }
            }
            let haste = self.sorter.flush(&mut hands);
            if count < FULL {
                std::thread::sleep(rest(haste));
            }
            if at >= expire {
                expire = at + EXPIRE;
                if let Some(Ok(mut relays)) = self.exits.relays().map(std::sync::RwLock::write) {
                    relays.expire(at);
                }
            }
        }
    }
}
