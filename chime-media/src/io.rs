//! Datagrams on their way out: one buffer for all of them, so that sending allocates nothing.

use std::net::SocketAddr;
use std::ops::Range;

/// Datagrams to send, in order.
#[derive(Debug, Default)]
pub struct Datagrams {
    bytes: Vec<u8>,
    list: Vec<(SocketAddr, Range<usize>)>,
}

impl Datagrams {
    /// Adds one.
    pub fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.write(to, |bytes| bytes.extend_from_slice(datagram));
    }

    /// Adds what `write` appends to the buffer; nothing, if that is nothing.
    pub fn write(&mut self, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        if self.bytes.len() > start {
            self.list.push((to, start..self.bytes.len()));
        }
    }

    /// Adds what `write` appends to the buffer from the place that it is told; takes it back when that fails.
    ///
    /// # Errors
    ///
    /// Whatever `write` fails with.
    pub fn try_write<E>(
        &mut self,
        to: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.bytes.len();
        let result = write(&mut self.bytes, start);
        match result {
            Ok(()) => self.list.push((to, start..self.bytes.len())),
            Err(_) => self.bytes.truncate(start),
        }
        result
    }

    /// The datagrams, in order.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.list.iter().map(|(to, range)| (*to, self.bytes.get(range.clone()).unwrap_or_default()))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Forgets them and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.list.clear();
    }
}
